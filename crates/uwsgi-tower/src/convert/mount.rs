//! The path where an application is mounted.

use core::error::Error;
use core::fmt;

use alloc::string::String;

/// The first part of the URI's path, where the application is mounted, in an extension of a request that the client sends.
///
/// Set it on a request that came over HTTP, or that your program made: the URI of such a request includes the mount. The
/// application gets the mount as `SCRIPT_NAME` and the rest as `PATH_INFO`. `REQUEST_URI` stays the whole target. A target
/// outside the mount is an [error](crate::VarsError::OutsideMount).
///
/// | the request | extension | URI | `SCRIPT_NAME` | `PATH_INFO` | `REQUEST_URI` |
/// |---|---|---|---|---|---|
/// | from HTTP, or made by your program | `Mount` `/shop` | `/shop/cart` | `/shop` | `/cart` | `/shop/cart` |
/// | from a uwsgi server | [`ScriptName`](crate::ScriptName) `/shop` | `/cart` | `/shop` | `/cart` | `/shop/cart` |
/// | from a uwsgi server, mounted again below | [`ScriptName`](crate::ScriptName) `/shop`, `Mount` `/cart` | `/cart/1` | `/shop/cart` | `/1` | `/shop/cart/1` |
///
/// A request that came from a uwsgi server may have a [`RequestUri`](crate::RequestUri). If it still fits the mount and the
/// URI, the application gets it unchanged: see [`is_request_uri_of`](uwsgi::is_request_uri_of).
///
/// ```
/// use http::Request;
/// use uwsgi_tower::Mount;
///
/// let request = Request::get("/shop/cart").extension(Mount::new("/shop")?).body(())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mount {
    path: String,
}

/// The path is not a mount: it does not begin with a slash, or ends with one, or has a control character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct InvalidMount;

impl fmt::Display for InvalidMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mount begins with a slash, does not end with one, and has no control characters")
    }
}

impl Error for InvalidMount {}

impl Mount {
    /// Makes a mount from a decoded path: `/my shop`, not `/my%20shop`. An application at the root needs no mount.
    ///
    /// ```
    /// use uwsgi_tower::Mount;
    ///
    /// assert_eq!(Mount::new("/shop").unwrap().as_str(), "/shop");
    /// for wrong in ["", "/", "shop", "/shop/", "/sh\0p"] {
    ///     assert!(Mount::new(wrong).is_err());
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidMount`]: the path does not begin with a slash, or ends with one, or has a control character.
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidMount> {
        let path = path.into();
        let is_valid = path.starts_with('/') && !path.ends_with('/') && !path.contains(char::is_control);
        if is_valid { Ok(Self { path }) } else { Err(InvalidMount) }
    }

    /// Returns the path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.path
    }
}
