//! The path of a request as `PATH_INFO` has it.

#[cfg(feature = "alloc")]
use alloc::borrow::Cow;
use core::fmt;

use crate::cgi::percent::split_first_decoded;

/// Why a path is refused. A gateway answers 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathError {
    /// A `..` segment leads above the root.
    AboveRoot,
    /// The buffer has fewer bytes than the decoded path.
    BufferTooSmall,
    /// The path does not begin with a slash.
    NoSlash,
    /// The path has a NUL (`%00`). A program of C would end the path there.
    Nul,
    /// A percent sign is not followed by two hex digits.
    Percent,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AboveRoot => "a `..` in the path leads above the root",
            Self::BufferTooSmall => "the buffer is too small for the path",
            Self::NoSlash => "the path does not begin with a slash",
            Self::Nul => "the path has a NUL",
            Self::Percent => "a percent sign in the path is not followed by two hex digits",
        })
    }
}

impl core::error::Error for PathError {}

/// Decodes a path once, and then removes its `.` and `..` segments (RFC 3986 section 5.2.4). `buffer` gets the result, which is
/// never longer than `path`.
///
/// An encoded dot is a dot, and an encoded slash is a slash, because an application sees no difference in `PATH_INFO`. Slashes
/// are not merged. uWSGI's router and nginx with `merge_slashes off` do the same.
///
/// ```
/// use uwsgi::gateway::{decode_path, PathError};
///
/// let mut buffer = [0; 64];
/// assert_eq!(decode_path(b"/a//b%20c/./d/../e", &mut buffer), Ok(&b"/a//b c/e"[..]));
/// assert_eq!(decode_path(b"/a%2F%2e%2E/b", &mut buffer), Ok(&b"/b"[..]));
/// assert_eq!(decode_path(b"/a/../..", &mut buffer), Err(PathError::AboveRoot));
/// assert_eq!(decode_path(b"/100%", &mut buffer), Err(PathError::Percent));
/// ```
///
/// # Errors
///
/// [`PathError`].
pub fn decode_path<'b>(path: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], PathError> {
    if !path.starts_with(b"/") {
        return Err(PathError::NoSlash);
    }
    let mut len = 0_usize;
    let mut rest = path;
    while !rest.is_empty() {
        let (byte, after) = split_first_decoded(rest).ok_or(PathError::Percent)?;
        rest = after;
        match byte {
            0 => return Err(PathError::Nul),
            b'/' => {
                let (kept, is_dots) = without_dots(buffer.get(..len).unwrap_or_default())?;
                len = kept;
                if is_dots {
                    // The slash before the dots is kept instead of this one.
                    continue;
                }
            }
            _ => {}
        }
        *buffer.get_mut(len).ok_or(PathError::BufferTooSmall)? = byte;
        len = len.saturating_add(1);
    }
    let (len, _) = without_dots(buffer.get(..len).unwrap_or_default())?;
    Ok(buffer.get(..len).unwrap_or_default())
}

/// Does what [`decode_path`] does. The result is a copy only if it differs from `path`.
///
/// ```
/// use std::borrow::Cow;
/// use uwsgi::gateway::decoded_path;
///
/// assert!(matches!(decoded_path(b"/a/b.c"), Ok(Cow::Borrowed(b"/a/b.c"))));
/// assert_eq!(decoded_path(b"/%61").unwrap(), &b"/a"[..]);
/// ```
///
/// # Errors
///
/// [`PathError`].
#[cfg(feature = "alloc")]
pub fn decoded_path(path: &[u8]) -> Result<Cow<'_, [u8]>, PathError> {
    if is_decoded(path) {
        return Ok(Cow::Borrowed(path));
    }
    let mut decoded = alloc::vec![0; path.len()];
    let len = decode_path(path, &mut decoded)?.len();
    decoded.truncate(len);
    Ok(Cow::Owned(decoded))
}

/// Whether a path surely stays as it is. A segment that begins with a dot may be removed.
#[cfg(feature = "alloc")]
fn is_decoded(path: &[u8]) -> bool {
    let begins_with_dot = |path: &[u8]| memchr::memmem::find(path, b"/.").is_some();
    path.starts_with(b"/") && memchr::memchr2(b'%', 0, path).is_none() && !begins_with_dot(path)
}

/// Returns how many bytes of `path` are kept if its last segment is `.` or `..`, and whether it is one. The last kept byte is
/// then a slash.
fn without_dots(path: &[u8]) -> Result<(usize, bool), PathError> {
    let Some(slash) = last_slash(path) else { return Ok((path.len(), false)) };
    let (before, segment) = path.split_at_checked(slash).unwrap_or_default();
    match segment {
        b"/." => Ok((slash.saturating_add(1), true)),
        b"/.." => {
            let parent = last_slash(before).ok_or(PathError::AboveRoot)?;
            Ok((parent.saturating_add(1), true))
        }
        _ => Ok((path.len(), false)),
    }
}

fn last_slash(path: &[u8]) -> Option<usize> {
    path.iter().rposition(|byte| *byte == b'/')
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "alloc")]
    use super::decoded_path;
    use super::{PathError, decode_path};

    /// A path, and what it becomes.
    const ROWS: &[(&str, Result<&str, PathError>)] = &[
        ("/", Ok("/")),
        ("/a", Ok("/a")),
        ("/a/", Ok("/a/")),
        ("//", Ok("//")),
        ("/a//b", Ok("/a//b")),
        ("/.", Ok("/")),
        ("/./", Ok("/")),
        ("/./a", Ok("/a")),
        ("/a/.", Ok("/a/")),
        ("/a/./b", Ok("/a/b")),
        ("/a/..", Ok("/")),
        ("/a/../", Ok("/")),
        ("/a/b/..", Ok("/a/")),
        ("/a/b/../c", Ok("/a/c")),
        ("/a/b/../../c", Ok("/c")),
        // The example of RFC 3986 section 5.2.4.
        ("/a/b/c/./../../g", Ok("/a/g")),
        ("/a//../b", Ok("/a/b")),
        ("/a//b/../c", Ok("/a//c")),
        ("//..", Ok("/")),
        ("//../a", Ok("/a")),
        ("/...", Ok("/...")),
        ("/..a", Ok("/..a")),
        ("/.a/..b/c.", Ok("/.a/..b/c.")),
        ("/a..", Ok("/a..")),
        ("/a/b./c../d", Ok("/a/b./c../d")),
        ("/%2e", Ok("/")),
        ("/a/%2E%2e/b", Ok("/b")),
        ("/a/.%2e/b", Ok("/b")),
        ("/a%2fb", Ok("/a/b")),
        ("/a%2f..%2Fb", Ok("/b")),
        ("/a%2F", Ok("/a/")),
        ("/%252e%252e/a", Ok("/%2e%2e/a")),
        ("/a%25", Ok("/a%")),
        ("/a%20b+c", Ok("/a b+c")),
        ("/a%0d%0ab", Ok("/a\r\nb")),
        ("/caf%c3%a9", Ok("/café")),
        ("/café", Ok("/café")),
        ("/a\\..\\b", Ok("/a\\..\\b")),
        ("/a;b/../c", Ok("/c")),
        ("/a?b", Ok("/a?b")),
        ("/..", Err(PathError::AboveRoot)),
        ("/../", Err(PathError::AboveRoot)),
        ("/../a", Err(PathError::AboveRoot)),
        ("/./..", Err(PathError::AboveRoot)),
        ("/a/../..", Err(PathError::AboveRoot)),
        ("/a/../../b", Err(PathError::AboveRoot)),
        ("/static/%2e%2e/%2e%2e/secret", Err(PathError::AboveRoot)),
        ("/%2e%2e%2fa", Err(PathError::AboveRoot)),
        ("/a%2f..%2f..", Err(PathError::AboveRoot)),
        ("/a%00b", Err(PathError::Nul)),
        ("/a\0b", Err(PathError::Nul)),
        ("/%", Err(PathError::Percent)),
        ("/a%2", Err(PathError::Percent)),
        ("/a%zz", Err(PathError::Percent)),
        ("/a%2g/b", Err(PathError::Percent)),
        ("/a%%20", Err(PathError::Percent)),
        ("", Err(PathError::NoSlash)),
        ("a", Err(PathError::NoSlash)),
        ("*", Err(PathError::NoSlash)),
        ("%2fa", Err(PathError::NoSlash)),
        ("../a", Err(PathError::NoSlash)),
    ];

    #[test]
    fn paths() {
        for (path, expected) in ROWS {
            let mut buffer = [b'x'; 64];
            let expected = expected.map(str::as_bytes);
            assert_eq!(decode_path(path.as_bytes(), &mut buffer), expected, "{path}");
            #[cfg(feature = "alloc")]
            assert_eq!(decoded_path(path.as_bytes()).as_deref(), expected.as_ref().map(|path| *path), "{path}");
        }
    }

    #[test]
    fn a_buffer_of_the_length_of_the_result_is_enough() {
        for (path, expected) in ROWS {
            let Ok(expected) = expected else { continue };
            let mut buffer = [b'x'; 64];
            let longest = path.len();
            assert_eq!(decode_path(path.as_bytes(), &mut buffer[..longest]), Ok(expected.as_bytes()), "{path}");
            assert_eq!(decode_path(path.as_bytes(), &mut []), Err(PathError::BufferTooSmall), "{path}");
        }
    }
}
