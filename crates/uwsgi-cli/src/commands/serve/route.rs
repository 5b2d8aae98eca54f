//! The routes: which answer a path asks for.

use core::time::Duration;

use percent_encoding::percent_decode;

use crate::options::values;

/// The answer that a request asks for. Its numbers are within their limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A body that fails after `after` bytes. Its declared length is `length`, if it has one.
    Abort { after: u64, length: Option<u64> },
    /// This number of bytes, with a length.
    Bytes(u64),
    /// An answer after this time.
    Delay(Duration),
    /// Bytes one by one, evenly over a time, with a length.
    Drip { bytes: u64, over: Duration },
    /// The body of the request.
    Echo,
    /// These headers.
    Headers(Vec<(Vec<u8>, Vec<u8>)>),
    /// A report of what arrived.
    Report,
    /// This status.
    Status(u16),
    /// Bytes without a length, in pieces of `chunk` bytes, with a pause between two pieces.
    Stream { bytes: u64, chunk: u64, pause: Duration },
    /// An upgrade, after which all bytes are sent back.
    Upgrade,
}

/// The most bytes of an answer.
const MAX_BYTES: u64 = 1 << 30;
/// The most bytes of a piece.
const MAX_CHUNK: u64 = 1 << 20;
/// The longest delay in milliseconds.
const MAX_DELAY: u64 = 60_000;
/// The longest sum of the pauses of a stream in milliseconds.
const MAX_PAUSES: u64 = 600_000;

/// Returns what a request asks for. The error is a line that says what is wrong.
pub(super) fn route(path: &[u8], query: &[u8]) -> Result<Route, String> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let (name, argument) = match path.iter().position(|byte| *byte == b'/') {
        Some(slash) => (path.get(..slash).unwrap_or(path), path.get(slash.saturating_add(1)..)),
        None => (path, None),
    };
    let query = Query(query);
    Ok(match (name, argument) {
        (b"abort", None) => {
            let after = query.number("after", 500, 0..=MAX_BYTES)?;
            let length = match query.get("length").as_deref() {
                Some(b"none") => None,
                _ => Some(query.number("length", after.saturating_mul(2).max(1), 1..=u64::MAX)?),
            };
            if length.is_some_and(|length| length <= after) {
                return Err(format!("length must be more than {after}, the value of after, or none"));
            }
            Route::Abort { after, length }
        }
        (b"bytes", Some(count)) => Route::Bytes(bytes("/bytes/", count)?),
        (b"delay", Some(millis)) => {
            Route::Delay(Duration::from_millis(number("/delay/", &text(millis), 0..=MAX_DELAY)?))
        }
        (b"drip", None) => Route::Drip {
            bytes: query.number("bytes", 10, 1..=10_000)?,
            over: Duration::from_millis(query.number("duration_ms", 2000, 0..=MAX_DELAY)?),
        },
        (b"echo", None) => Route::Echo,
        (b"headers", None) => Route::Headers(query.pairs().collect()),
        (b"status", Some(code)) => {
            let code = number("/status/", &text(code), 200..=999)?;
            Route::Status(u16::try_from(code).unwrap_or(999))
        }
        (b"stream", Some(count)) => {
            let bytes = bytes("/stream/", count)?;
            let chunk = query.number("chunk", 4096, 1..=MAX_CHUNK)?;
            let pause = query.number("delay_ms", 0, 0..=MAX_DELAY)?;
            let pauses = bytes.div_ceil(chunk).saturating_sub(1);
            if pauses.saturating_mul(pause) > MAX_PAUSES {
                return Err(format!("{pauses} pauses of {pause} ms are more than {} minutes", MAX_PAUSES / 60_000));
            }
            Route::Stream { bytes, chunk, pause: Duration::from_millis(pause) }
        }
        (b"upgrade", None) => Route::Upgrade,
        _ => Route::Report,
    })
}

/// The query of a URL, which follows `?`.
#[derive(Debug, Clone, Copy)]
struct Query<'a>(&'a [u8]);

impl<'a> Query<'a> {
    /// Returns the decoded names and values in their order.
    fn pairs(self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + use<'a> {
        let pairs = self.0.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let decoded = |part: Option<&[u8]>| percent_decode(part.unwrap_or_default()).collect();
            (decoded(parts.next()), decoded(parts.next()))
        })
    }

    /// Returns the last value of a name.
    fn get(self, name: &str) -> Option<Vec<u8>> {
        self.pairs().filter(|(other, _)| other == name.as_bytes()).last().map(|(_, value)| value)
    }

    fn number(self, name: &str, default: u64, within: core::ops::RangeInclusive<u64>) -> Result<u64, String> {
        match self.get(name) {
            Some(value) => number(&format!("{name}="), &text(&value), within),
            None => Ok(default),
        }
    }
}

/// Parses the number of bytes after `before`, with an optional unit.
fn bytes(before: &str, argument: &[u8]) -> Result<u64, String> {
    let count = values::size(&text(argument)).map_err(|error| format!("after {before}: {error}"))?;
    if count > MAX_BYTES {
        return Err(format!("after {before}: at most 1G is allowed"));
    }
    Ok(count)
}

/// Parses the number after `before`.
fn number(before: &str, argument: &str, within: core::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let (min, max) = (within.start(), within.end());
    let is_plain = argument.bytes().all(|byte| byte.is_ascii_digit());
    let number = argument.parse().ok().filter(|number| is_plain && within.contains(number));
    number.ok_or_else(|| format!("after {before}: write a number from {min} to {max}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn paths_have_their_routes() {
        let default_stream = |bytes| Route::Stream { bytes, chunk: 4096, pause: ms(0) };
        let one = |name: &str, value: &str| vec![(name.as_bytes().to_vec(), value.as_bytes().to_vec())];
        for (path, query, expected) in [
            ("/", "", Route::Report),
            ("", "", Route::Report),
            ("/anything/else", "format=json", Route::Report),
            ("/echo", "", Route::Echo),
            ("/echo/", "", Route::Report),
            ("/Echo", "", Route::Report),
            ("/status/204", "", Route::Status(204)),
            ("/status/999", "", Route::Status(999)),
            ("/status", "", Route::Report),
            ("/bytes/0", "", Route::Bytes(0)),
            ("/bytes/10M", "", Route::Bytes(10 << 20)),
            ("/bytes/1073741824", "", Route::Bytes(1 << 30)),
            ("/stream/9", "", default_stream(9)),
            ("/stream/0", "delay_ms=60000", Route::Stream { bytes: 0, chunk: 4096, pause: ms(60_000) }),
            ("/stream/100", "chunk=7&delay_ms=20", Route::Stream { bytes: 100, chunk: 7, pause: ms(20) }),
            ("/stream/11", "chunk=1&delay_ms=60000", Route::Stream { bytes: 11, chunk: 1, pause: ms(60_000) }),
            ("/delay/0", "", Route::Delay(ms(0))),
            ("/delay/60000", "", Route::Delay(ms(60_000))),
            ("/headers", "", Route::Headers(Vec::new())),
            ("/headers", "X-A=b%20c", Route::Headers(one("X-A", "b c"))),
            ("/headers", "X-A", Route::Headers(one("X-A", ""))),
            ("/headers", "X-A=b=c+d", Route::Headers(one("X-A", "b=c+d"))),
            ("/drip", "", Route::Drip { bytes: 10, over: ms(2000) }),
            ("/drip", "bytes=3&duration_ms=30", Route::Drip { bytes: 3, over: ms(30) }),
            ("/abort", "", Route::Abort { after: 500, length: Some(1000) }),
            ("/abort", "after=0", Route::Abort { after: 0, length: Some(1) }),
            ("/abort", "after=5&length=none", Route::Abort { after: 5, length: None }),
            ("/upgrade", "", Route::Upgrade),
        ] {
            assert_eq!(route(path.as_bytes(), query.as_bytes()), Ok(expected), "{path}?{query}");
        }
    }

    #[test]
    fn numbers_out_of_their_limits_are_errors() {
        for (path, query, error) in [
            ("/status/", "", "after /status/: write a number from 200 to 999"),
            ("/status/199", "", "after /status/: write a number from 200 to 999"),
            ("/status/1000", "", "after /status/: write a number from 200 to 999"),
            ("/status/2xx", "", "after /status/: write a number from 200 to 999"),
            ("/status/+200", "", "after /status/: write a number from 200 to 999"),
            ("/bytes/x", "", "after /bytes/: not a number of bytes: write 512, 64k, 10M or 1G"),
            ("/bytes/1/2", "", "after /bytes/: not a number of bytes: write 512, 64k, 10M or 1G"),
            ("/bytes/1073741825", "", "after /bytes/: at most 1G is allowed"),
            ("/stream/2G", "", "after /stream/: at most 1G is allowed"),
            ("/stream/1", "chunk=0", "after chunk=: write a number from 1 to 1048576"),
            ("/stream/1", "delay_ms=60001", "after delay_ms=: write a number from 0 to 60000"),
            ("/stream/12", "chunk=1&delay_ms=60000", "11 pauses of 60000 ms are more than 10 minutes"),
            ("/delay/60001", "", "after /delay/: write a number from 0 to 60000"),
            ("/drip", "bytes=0", "after bytes=: write a number from 1 to 10000"),
            ("/drip", "duration_ms=60001", "after duration_ms=: write a number from 0 to 60000"),
            ("/abort", "after=10&length=10", "length must be more than 10, the value of after, or none"),
            ("/abort", "length=x", "after length=: write a number from 1 to 18446744073709551615"),
        ] {
            assert_eq!(route(path.as_bytes(), query.as_bytes()), Err(error.to_owned()), "{path}?{query}");
        }
    }
}
