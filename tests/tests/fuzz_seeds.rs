//! Runs the bodies of the fuzz targets on the seeds of `fuzz/seeds` and on every capture.
//!
//! Plain `cargo test` holds them to these inputs without a fuzzer, and finds every past finding of a fuzzer again.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use uwsgi::Packet;
use uwsgi_tests::fuzz::TARGETS;
use uwsgi_tests::vectors;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// Returns the files of a directory, sorted.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

thread_local! {
    /// How often this thread has panicked.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Runs a target on one input, and names the input if that panics.
///
/// A panic that the server under test catches counts too: it may come from an oracle in the application. For libFuzzer
/// any panic is a failure.
fn run(target: &str, body: fn(&[u8]), input: &[u8], name: &str) {
    static COUNTS: Once = Once::new();
    COUNTS.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            before(panic);
        }));
    });
    let before = PANICS.get();
    let ended = std::panic::catch_unwind(|| body(input));
    if ended.is_ok() && PANICS.get() == before {
        return;
    }
    eprintln!("the target {target} failed on {name}, {} bytes", input.len());
    match ended {
        Err(panic) => std::panic::resume_unwind(panic),
        Ok(()) => panic!("the code under test caught a panic"),
    }
}

#[test]
#[should_panic(expected = "the code under test caught a panic")]
fn a_caught_panic_fails_the_target() {
    run("none", |_| drop(std::panic::catch_unwind(|| panic!("as asked"))), b"", "nothing");
}

#[test]
fn every_target_has_a_file_and_seeds() {
    let names: Vec<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let stems = |files: Vec<PathBuf>| -> Vec<String> {
        files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(stems(files(&fuzz().join("fuzz_targets"))), names);
    assert_eq!(stems(files(&fuzz().join("seeds"))), names);
}

#[test]
fn every_seed_passes() {
    let mut count = 0;
    for target in TARGETS {
        let seeds = files(&fuzz().join("seeds").join(target.name));
        assert!(seeds.len() >= 5, "only {} seeds for {}", seeds.len(), target.name);
        for seed in &seeds {
            let input = fs::read(seed).unwrap();
            run(target.name, target.run, &input, &seed.display().to_string());
            // A prefix is what a peer sends that closes in the middle.
            for cut in [input.len() / 2, input.len().saturating_sub(1)] {
                run(target.name, target.run, &input[..cut], &format!("{} cut to {cut}", seed.display()));
            }
        }
        count += seeds.len();
    }
    assert!(count >= 100, "only {count} seeds");
}

#[test]
fn every_capture_passes() {
    let captures = vectors::captures();
    assert!(captures.len() >= 400, "only {} captures", captures.len());
    for capture in &captures {
        for target in TARGETS {
            run(target.name, target.run, &capture.bytes, &capture.name);
            // Some targets take more than a packet: they get limits or piece sizes before it.
            let input = match (target.name, Packet::decode(&capture.bytes)) {
                ("vars", Ok((packet, _))) => [&[0], packet.payload()].concat(),
                ("split", _) => [&[3, 4, 1, 250], &capture.bytes[..]].concat(),
                _ => continue,
            };
            run(target.name, target.run, &input, &capture.name);
        }
    }
}

#[test]
fn lengths_around_the_largest_datasize_pass() {
    for target in TARGETS.iter().filter(|target| matches!(target.name, "packet" | "vars")) {
        for len in [65534, 65535, 65536, 65540, 4 * 65536] {
            // Empty pairs: as a payload with allowed empty keys, and after the header of the largest packet.
            let header: &[u8] = if target.name == "vars" { &[16] } else { &[0, 255, 255, 0] };
            run(target.name, target.run, &[header, &vec![0; len]].concat(), "zeros");
            run(target.name, target.run, &vec![0xff; len], "ones");
        }
    }
}
