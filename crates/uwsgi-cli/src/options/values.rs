//! Parsers of option values. Each error says what to write.

use core::time::Duration;

use uwsgi::Modifier1;
use uwsgi::{Address, AddressError};

/// Checks the address of a server, and returns it unchanged.
pub(crate) fn address(text: &str) -> Result<String, String> {
    match Address::parse(text).and_then(Address::to_connect) {
        Ok(_) => Ok(text.to_owned()),
        Err(error @ AddressError::Url) => Err(match url_server(text) {
            Some(server) => format!("a URL, not an address: write {server}"),
            None => error.to_string(),
        }),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the host and the port of a URL that has both.
pub(crate) fn url_server(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok().filter(|_| text.contains("://"))?;
    let (host, port) = (uri.host()?, uri.port_u16()?);
    Some(format!("{host}:{port}"))
}

/// Parses a modifier1: a number or a name.
pub(crate) fn modifier1(text: &str) -> Result<Modifier1, String> {
    if let Ok(number) = text.parse() {
        return Ok(Modifier1(number));
    }
    let named = Modifier1::NAMED.iter().find(|modifier| modifier.name() == Some(text));
    named.copied().ok_or_else(|| {
        let names: Vec<_> = Modifier1::NAMED.iter().filter_map(|modifier| modifier.name()).collect();
        format!("neither a number from 0 to 255 nor one of {}", names.join(", "))
    })
}

/// Parses a number of bytes: digits, and an optional `k`, `M` or `G` for powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(unit_at).unwrap_or((text, ""));
    let factor: Option<u64> = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    let number: Result<u64, _> = digits.parse();
    match (number, factor) {
        (Ok(number), Some(factor)) => {
            number.checked_mul(factor).ok_or_else(|| "the number of bytes does not fit into 64 bits".into())
        }
        _ => Err("not a number of bytes: write 512, 64k, 10M or 1G".into()),
    }
}

/// Parses a time in seconds, which may have a fraction. It is more than 0 and at most a day.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let time = text.parse().ok().filter(|_| is_plain).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match time {
        Some(time) if time > Duration::ZERO && time <= DAY => Ok(time),
        Some(_) => Err("the time must be more than 0 and at most 86400 seconds".into()),
        None => Err("not a time in seconds: write 10 or 0.5".into()),
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// Parses the mode of a file: three octal digits, or four of which the first is 0.
pub(crate) fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
    let is_mode = digits.len() == 3 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    let mode = u32::from_str_radix(digits, 8).ok().filter(|_| is_mode);
    mode.ok_or_else(|| "not a file mode: write three digits from 0 to 7, such as 660".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("64k", 65_536),
            ("64K", 65_536),
            ("10M", 10_485_760),
            ("10MiB", 10_485_760),
            ("1G", 1 << 30),
            ("1gb", 1 << 30),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in
            ["", "M", "1.5M", "-1", "+1", "1T", "1 M", "1Mx", "0x10", "18446744073709551616", "9999999999999G", "1é"]
        {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_seconds_with_a_fraction() {
        for (text, millis) in [("10", 10_000), ("0.5", 500), ("2.", 2000), (".25", 250), ("86400", 86_400_000)] {
            assert_eq!(seconds(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0", "0.0", "-1", "+1", "1s", "1e3", "inf", "NaN", "86401", ".", "1.2.3"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modes_are_octal() {
        for (text, bits) in [("660", 0o660), ("0660", 0o660), ("777", 0o777), ("000", 0), ("007", 7), ("0066", 0o066)] {
            assert_eq!(mode(text), Ok(bits), "{text}");
        }
        for text in ["", "66", "6600", "668", "u+rw", "+66", "-66", "00660"] {
            assert!(mode(text).is_err(), "{text}");
        }
    }
}
