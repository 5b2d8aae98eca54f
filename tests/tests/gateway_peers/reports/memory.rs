//! The router takes memory for every descriptor that it may open, before it serves: 8.6 GB in some containers.

use std::fs;

use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::expect;
use crate::front::{Front, gateway_with_descriptors};

const MIB: u64 = 1024 * 1024;

pub fn check(test_dir: &TestDir, _: Front) -> Result<(), String> {
    let nobody = Listen::Unix(test_dir.path("nobody.sock"));
    let mut seen = Vec::new();
    for limit in [64, 1024, 20_000] {
        let running = gateway_with_descriptors(test_dir, &format!("gateway-{limit}"), &nobody, limit);
        let limits = fs::read_to_string(format!("/proc/{}/limits", running.id())).map_err(|error| error.to_string())?;
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
        expect(files.split_whitespace().nth(3) == Some(&*limit.to_string()), || format!("not {limit}: {files}"))?;
        seen.push(resident(running.id())?);
    }
    let (least, most) = (seen.iter().min().copied().unwrap_or(0), seen.iter().max().copied().unwrap_or(u64::MAX));
    expect(most < 20 * MIB, || format!("{most} bytes at start"))?;
    expect(most - least <= MIB, || format!("{seen:?} bytes, by the number of descriptors"))
}

/// Returns how much memory a process uses, in bytes.
fn resident(id: u32) -> Result<u64, String> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| "no VmRSS".to_owned())
}
