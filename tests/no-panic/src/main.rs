//! Links only if the code of the core that it calls has no path to a panic.
//!
//! With `--cfg proof` every function made by `proven!` refers to an undefined symbol in the code that runs when a panic unwinds
//! through it. If the optimizer finds that no panic can happen, it removes that code. If not, the linker fails and names the
//! function. Only code that the binary calls is linked, so `main` calls all functions, with values that the optimizer cannot
//! know. `prove` builds, runs, and checks that the proof can fail.
//!
//! With `--cfg checked` too, arithmetic is built with overflow checks, so that a sum that could overflow is found.
//!
//! Not proven, and why:
//!
//! - `HeadEnd`, `HeaderLines`, `ResponseHead` and the head of an `Exchange` call memchr and httparse. Their inner loops keep
//!   bounds checks that the optimizer does not remove.
//! - `Address::parse`, `AllowList` and `client_address` parse addresses with core, which slices text.
//! - `decoded_path` allocates; `decode_path` does its work.
//! - `Display` and `Debug` write through a `dyn Write`, which may be any code.
//! - Code that grows a `Vec` may fail to allocate.

#[macro_use]
mod proven;

mod client;
mod decode;
mod encode;
mod gateway;
mod message;
mod request;
mod server;

use std::hint::black_box;
use std::process::ExitCode;

/// The inputs if no files are named: a request, an array, a part of a request, a response, and an empty one.
const SAMPLES: [&[u8]; 5] = [
    b"\x00\x5b\x00\x00\x0e\x00REQUEST_METHOD\x04\x00POST\x09\x00PATH_INFO\x02\x00/a\x0e\x00CONTENT_LENGTH\x01\x005\
      \x09\x00HTTP_HOST\x0b\x00example.com\x05\x00HTTPS\x02\x00onhello",
    b"\xad\x09\x00\x00\x05\x00hello\x00\x00",
    b"\x00\x10\x00\x00\x0e\x00REQ",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"",
];

// The proof must find these two panics: so `prove` checks that it finds panics at all.
#[cfg(control)]
proven! {
    fn control(bytes: &[u8], at: usize) -> u8 {
        bytes[at]
    }
    fn control_sum(one: usize, other: usize) -> usize {
        one + other
    }
}

fn main() -> ExitCode {
    let mut runs = 0_usize;
    for path in std::env::args_os().skip(1) {
        match std::fs::read(&path) {
            Ok(bytes) => run(&bytes),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
        runs += 1;
    }
    if runs == 0 {
        SAMPLES.iter().for_each(|sample| run(sample));
        runs = SAMPLES.len();
    }
    println!("every function ran on {runs} inputs{}", if cfg!(proof) { ", proven" } else { "; nothing is proven" });
    ExitCode::SUCCESS
}

fn run(bytes: &[u8]) {
    decode::run(bytes);
    request::run(bytes);
    encode::run(bytes);
    message::run(bytes);
    client::run(bytes);
    server::run(bytes);
    gateway::run(bytes);
    #[cfg(control)]
    call! {
        control: bytes, 0;
        control_sum: 1, 2;
    }
}

/// Returns a packet even if `bytes` is not one, so that every function that takes a packet runs.
fn packet(bytes: &[u8]) -> uwsgi::Packet<'_> {
    const EMPTY: &[u8] = &[0; 4];
    let (packet, _) = uwsgi::Packet::decode(bytes).or(uwsgi::Packet::decode(EMPTY)).expect("four zeros are a packet");
    black_box(packet)
}
