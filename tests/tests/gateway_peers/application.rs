//! What the applications report about requests, and the bytes that they send and get.

use std::sync::OnceLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use uwsgi_tests::http1::{Answer, End};

/// The longest body that [`bytes`] and [`counted`] have: 200 MB.
pub const LONGEST: usize = 200_000_000;

/// What the application says about its request.
#[derive(Debug, Deserialize)]
pub struct Report {
    vars: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Body {
    length: usize,
    sha256: String,
}

impl Report {
    /// Returns the report in an answer.
    pub fn of(answer: &Answer) -> Result<Self, String> {
        let text = String::from_utf8_lossy(answer.body.get(..500).unwrap_or(&answer.body));
        serde_json::from_slice(&answer.body).map_err(|error| format!("no report ({error}) in {:?} {text}", answer.head))
    }

    /// Returns the value of a var. The error says that it is absent, or there more than once.
    pub fn var(&self, key: &str) -> Result<&str, String> {
        let mut values = self.vars.iter().filter(|(other, _)| other == key).map(|(_, value)| &**value);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (value, _) => Err(format!("{key} is there {} times", if value.is_some() { "several" } else { "no" })),
        }
    }

    /// Checks the value of a var.
    pub fn has(&self, key: &str, value: &str) -> Result<(), String> {
        let seen = self.var(key)?;
        expect(seen == value, || format!("{key} is {seen:?} instead of {value:?}"))
    }

    /// Checks that there is no such var.
    pub fn has_no(&self, key: &str) -> Result<(), String> {
        self.var(key).map_or(Ok(()), |value| Err(format!("{key} is {value:?}")))
    }

    /// Checks that the application read this body, and that its length is CONTENT_LENGTH.
    pub fn has_body(&self, body: &[u8]) -> Result<(), String> {
        let seen = &self.body;
        expect(seen.length == body.len(), || format!("the body has {} bytes instead of {}", seen.length, body.len()))?;
        self.has("CONTENT_LENGTH", &body.len().to_string())?;
        expect(seen.sha256 == sha256(body), || "the body has other bytes".to_owned())
    }
}

/// Returns an error with this text if something is not so.
pub fn expect(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

/// Checks the status of a whole answer.
pub fn whole(answer: &Answer, status: u16) -> Result<(), String> {
    expect(answer.head.status == status && answer.end == End::Whole, || {
        format!("{} {:?} instead of a whole {status}", answer.head.status, answer.end)
    })
}

/// Checks a whole answer with the status 200 and this body.
pub fn has_body(answer: &Answer, body: &[u8]) -> Result<(), String> {
    whole(answer, 200)?;
    let seen = &answer.body;
    expect(seen.len() == body.len(), || format!("the body has {} bytes instead of {}", seen.len(), body.len()))?;
    expect(seen == body, || "the body has other bytes".to_owned())
}

/// Returns the hash of these bytes in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns bytes that repeat after a number of bytes that is no multiple of any buffer: a missing, doubled or exchanged part of
/// any size shows.
pub fn bytes(length: usize) -> &'static [u8] {
    const PERIOD: u32 = 999_983;
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let once = || (0..PERIOD).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>();
    &BYTES.get_or_init(|| once().repeat(most().div_ceil(PERIOD as usize)))[..length]
}

/// Returns the bytes that an application generates: they count from 0 to 255, over and over.
pub fn counted(length: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    &BYTES.get_or_init(|| (0..=255).collect::<Vec<u8>>().repeat(most().div_ceil(256)))[..length]
}

/// Returns the length of the longest bodies of this run.
fn most() -> usize {
    if is_full() { LONGEST } else { 50_000_000 }
}

/// Returns whether the tests take as long as they need.
pub fn is_full() -> bool {
    std::env::var_os("UWSGI_TESTS").is_some_and(|tests| tests == "full")
}
