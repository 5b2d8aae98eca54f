//! Where an application is mounted.

use crate::cgi::percent::{Encoded, strip_decoded};

/// Returns the part of `path` after `mount`. `path` is as the client wrote it, so its bytes may be percent-encoded; those of
/// `mount` are decoded. `None` where `path` does not begin with the mount, or where the rest is neither empty nor begins with a
/// slash.
///
/// The mounts `shop` and `/shop/` are the same as `/shop`. The mount `/` is the root, and every path is below it.
///
/// ```
/// use uwsgi::below_mount;
///
/// assert_eq!(below_mount(b"/%61pp/a%2Fb", b"/app"), Some(&b"/a%2Fb"[..]));
/// assert_eq!(below_mount(b"/app", b"/app"), Some(&b""[..]));
/// assert_eq!(below_mount(b"/apple", b"/app"), None);
/// assert_eq!(below_mount(b"/app%2Fa", b"/app"), None);
/// assert_eq!(below_mount(b"/app/a", b"app/"), Some(&b"/a"[..]));
/// ```
#[must_use]
pub fn below_mount<'p>(path: &'p [u8], mount: &[u8]) -> Option<&'p [u8]> {
    let mount = trim_mount(mount);
    let start = if mount.is_empty() || mount.starts_with(b"/") { path } else { path.strip_prefix(b"/")? };
    strip_decoded(start, mount).filter(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
}

/// Returns a mount without the slashes at its end, so that a path can follow it. `/app/` becomes `/app`, and `/` becomes empty.
///
/// ```
/// assert_eq!(uwsgi::trim_mount(b"/app/"), b"/app");
/// ```
#[must_use]
pub const fn trim_mount(mut mount: &[u8]) -> &[u8] {
    while let [before @ .., b'/'] = mount {
        mount = before;
    }
    mount
}

impl<'a> Encoded<'a> {
    /// Makes the part of a target before the path, from a mount that was decoded once. The part begins with a slash and does
    /// not end with one. The mount `/` becomes empty.
    ///
    /// ```
    /// let mounts = [&b"/my shop"[..], b"shop", b"/app/", b"/", b""].map(|mount| uwsgi::Encoded::of_mount(mount).to_string());
    /// assert_eq!(mounts, ["/my%20shop", "/shop", "/app", "", ""]);
    /// ```
    #[must_use]
    pub fn of_mount(mount: &'a [u8]) -> Self {
        match trim_mount(mount) {
            [] => Self::of_decoded(&[]),
            mount => Self::of_decoded(mount).as_path(),
        }
    }
}
