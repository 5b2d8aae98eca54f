//! The instructions of one operation, counted by valgrind's callgrind. The count is the same in every run, also on a noisy
//! machine.

use std::process::{Command, Stdio};
use std::{env, fs, io, process};

/// How many operations two runs have. The difference of the runs does not include the cost of starting the program.
const FEW: u64 = 20;
const MORE: u64 = 120;

/// Returns whether valgrind is installed.
pub fn is_installed() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Returns how many instructions one operation of a side takes. It runs this program twice under callgrind.
pub fn instructions(pair: &str, side: char) -> io::Result<f64> {
    let (few, more) = (run(pair, side, FEW)?, run(pair, side, MORE)?);
    Ok((more as f64 - few as f64) / (MORE - FEW) as f64)
}

fn run(pair: &str, side: char, iterations: u64) -> io::Result<u64> {
    let out = env::temp_dir().join(format!("ratios-{}.callgrind", process::id()));
    let status = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args(["--one", pair, "--side", &side.to_string(), "--iterations", &iterations.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let profile = fs::read_to_string(&out);
    // The file is missing if valgrind failed.
    let _gone = fs::remove_file(&out);
    if !status.success() {
        return Err(io::Error::other(format!("valgrind ended with {status}")));
    }
    let profile = profile?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    total
        .and_then(|total| total.trim().parse().ok())
        .ok_or_else(|| io::Error::other("callgrind's profile has no total"))
}
