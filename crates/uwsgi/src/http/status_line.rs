//! The status line of an answer, or the value of a CGI `Status`.

use crate::http::head::split_line;
use crate::http::response_error::{ResponseError, ResponseErrorKind};
use crate::http::token::is_control;

/// Whether httparse reads this version.
pub(crate) const fn is_usual(version: &[u8]) -> bool {
    matches!(version, b"HTTP/1.1" | b"HTTP/1.0")
}

/// Returns the lines after the status line, the status and the reason, as httparse read them. `None` where it did not read
/// them, or where the reason is empty: httparse returns an empty reason instead of one that is not ASCII.
#[inline(always)]
pub(crate) fn read_status<'a>(
    head: &'a [u8],
    response: &httparse::Response<'_, 'a>,
) -> Option<(&'a [u8], u16, &'a [u8])> {
    let (status, reason) = (response.code?, response.reason?.as_bytes());
    if status < 100 || reason.is_empty() {
        return None;
    }
    // 13 bytes come before the reason: a version, a space, three digits and a space.
    let rest = head.get(13_usize.saturating_add(reason.len())..)?;
    match rest {
        [b'\r', b'\n', lines @ ..] | [b'\n', lines @ ..] => Some((lines, status, reason)),
        _ => None,
    }
}

/// Returns the lines after the status line, the status and the reason.
#[cold]
pub(crate) fn split_status(head: &[u8]) -> Result<(&[u8], u16, &[u8]), ResponseError> {
    let Some((first, lines)) = split_line(head) else {
        let kind = if head.contains(&b'\n') { ResponseErrorKind::Empty } else { ResponseErrorKind::Truncated };
        return Err(ResponseError::new(kind, 0));
    };
    let Some((status, reason)) = status_line(first) else {
        return Err(ResponseError::new(ResponseErrorKind::Status, 0));
    };
    Ok((lines, status, reason))
}

/// Reads `HTTP/1.1 200 OK`: a version, one space, three digits, then a space and the reason, or the end.
fn status_line(line: &[u8]) -> Option<(u16, &[u8])> {
    let line = line.strip_prefix(b"HTTP/")?;
    let (version, rest) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
    let digits = |part: &[u8]| !part.is_empty() && part.len() <= 3 && part.iter().all(u8::is_ascii_digit);
    let mut parts = version.splitn(2, |byte| *byte == b'.');
    if !parts.all(digits) {
        return None;
    }
    split_status_code(rest.get(1..)?)
}

/// Splits a status such as `404 Not Found`: three digits of 100 or more, then a space and a reason without control bytes, or
/// the end. Returns the code and the reason. The value of a CGI `Status` is such a text, and so is the status that a WSGI
/// application gives (PEP 3333, "The start_response() Callable").
///
/// ```
/// use uwsgi::response::split_status_code;
///
/// assert_eq!(split_status_code(b"404 Not Found"), Some((404, &b"Not Found"[..])));
/// assert_eq!(split_status_code(b"404"), Some((404, &b""[..])));
/// assert_eq!(split_status_code(b"99 Too Small"), None);
/// ```
#[must_use]
pub fn split_status_code(text: &[u8]) -> Option<(u16, &[u8])> {
    let (code, rest) = text.split_first_chunk::<3>()?;
    let reason = match rest {
        [] => rest,
        [b' ', reason @ ..] => reason,
        _ => return None,
    };
    if !code.iter().all(u8::is_ascii_digit) || reason.iter().any(|byte| is_control(*byte)) {
        return None;
    }
    let code =
        code.iter().fold(0_u16, |sum, digit| sum.saturating_mul(10).saturating_add(digit.wrapping_sub(b'0').into()));
    if code < 100 { None } else { Some((code, reason)) }
}
