//! The headers of a request, and which values count where a var came more than once.

use core::iter::FusedIterator;

#[cfg(feature = "alloc")]
use alloc::borrow::Cow;

use crate::cgi::field_name;
use crate::cgi::name::HeaderName;
use crate::cgi::repeated_headers::Window;
use crate::cgi::request::Request;
use crate::wire::vars::{Iter, Vars};

impl<'a> Request<'a> {
    /// Returns the headers that an application or a bridge to HTTP should see, in wire order.
    ///
    /// Headers about the connection are left out, unless the request [asks for an upgrade](Self::upgrade).
    /// `HTTP_CONTENT_LENGTH` and `HTTP_CONTENT_TYPE` are left out too, because `CONTENT_LENGTH` and `CONTENT_TYPE` count: see
    /// [`HeaderName::passes`]. If a header came more than once, these values count:
    ///
    /// - of a header that may have [one value](HeaderName::separator) only: the last value. In nginx a param that is set again
    ///   after `include uwsgi_params` replaces the first one.
    /// - of any other header whose last value is empty: no value. In this way a front end removes what the client sent.
    /// - of any other header: every value that is neither empty nor equal to the last non-empty value before it.
    ///
    /// `CONTENT_TYPE` and `CONTENT_LENGTH` are left out where they are empty.
    ///
    /// Nothing is allocated. If many names may be repeated, an iteration takes 6 KiB of the stack.
    ///
    /// ```
    /// # use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
    /// let mut buffer = [0; 256];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// for (key, value) in [("HTTP_HOST", "a"), ("HTTP_X", "1"), ("HTTP_TE", "x"), ("HTTP_HOST", "b"), ("HTTP_X", "2")] {
    ///     vars.push(key, value)?;
    /// }
    /// let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0)?)?;
    /// let request = Request::decode(&packet)?;
    /// let headers: Vec<_> = request.headers().map(|(name, value)| (name.to_string(), value)).collect();
    /// assert_eq!(headers, [("x".into(), &b"1"[..]), ("host".into(), b"b"), ("x".into(), b"2")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        let vars = self.vars();
        let mut repeated = Repeated::default();
        vars.iter().filter_map(|(key, _)| HeaderName::from_key(key)).for_each(|name| repeated.see(name));
        Headers { vars, rest: vars.iter(), repeated, window: None, upgrade: self.upgrade().is_some() }
    }

    /// Returns every header as it came, in wire order: every `HTTP_*` var, and `CONTENT_TYPE` and `CONTENT_LENGTH` where they
    /// are not empty. An application should see [`headers`](Self::headers) instead.
    #[must_use]
    pub const fn raw_headers(&self) -> RawHeaders<'a> {
        RawHeaders { vars: self.vars().iter() }
    }

    /// Returns the value of a header, by its name in any case. If several values count, they are joined by the header's
    /// [separator](HeaderName::separator).
    ///
    /// `content-type` and `content-length` are `CONTENT_TYPE` and `CONTENT_LENGTH`, never `HTTP_CONTENT_TYPE` and
    /// `HTTP_CONTENT_LENGTH`. Headers about the connection are found too.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x16\0\0\x06\0HTTP_X\x01\x001\x06\0HTTP_X\x01\x002")?;
    /// assert_eq!(Request::decode(&packet)?.header("X").as_deref(), Some(&b"1, 2"[..]));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        HeaderName::from_name(name).joined(self.header_all(name))
    }

    /// Returns the values of a header that count, in wire order, as in [`headers`](Self::headers). A header that may have one
    /// value only has at most one.
    #[must_use]
    pub fn header_all<'n>(&self, name: &'n str) -> HeaderValues<'a, 'n> {
        self.header_values(HeaderName::from_name(name))
    }

    /// Does what [`header_all`](Self::header_all) does, for the name that a key carries. The name from `CONTENT_TYPE` does not
    /// find `HTTP_CONTENT_TYPE`, and the name from `HTTP_CONTENT_TYPE` does not find `CONTENT_TYPE`.
    ///
    /// ```
    /// # use uwsgi::{HeaderName, Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x16\0\0\x06\0HTTP_X\x01\x001\x06\0HTTP_X\x01\x002")?;
    /// let name = HeaderName::from_key(b"HTTP_X").unwrap();
    /// assert!(Request::decode(&packet)?.header_values(name).eq([b"1", b"2"]));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn header_values<'n>(&self, name: HeaderName<'n>) -> HeaderValues<'a, 'n> {
        HeaderValues::new(self.vars(), name)
    }

    /// Returns the protocols that the client wants to upgrade the connection to: `HTTP_UPGRADE`; `None` where it is empty or
    /// names `h2c`.
    ///
    /// Only a proxy may switch to `h2c`; an application must not, because a client could use the tunnel to get around the rules
    /// of the front end. RFC 9113 section 3.1 has withdrawn `h2c`.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x13\0\0\x0c\0HTTP_UPGRADE\x03\0h2c")?;
    /// assert_eq!(Request::decode(&packet)?.upgrade(), None);
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn upgrade(&self) -> Option<&'a [u8]> {
        self.header_all("upgrade").next().filter(|protocols| is_upgrade(protocols))
    }
}

/// Whether an application may switch to a protocol of this `Upgrade` header: its value is not empty and does not name `h2c`.
///
/// ```
/// assert!(uwsgi::is_upgrade(b"websocket") && !uwsgi::is_upgrade(b"") && !uwsgi::is_upgrade(b"foo, H2C"));
/// ```
#[must_use]
pub fn is_upgrade(protocols: &[u8]) -> bool {
    let is_h2c = |protocol: &[u8]| protocol.trim_ascii().eq_ignore_ascii_case(b"h2c");
    !protocols.trim_ascii().is_empty() && !protocols.split(|byte| *byte == b',').any(is_h2c)
}

/// The headers of a request that count, in wire order; from [`Request::headers`].
#[derive(Debug, Clone)]
pub struct Headers<'a> {
    vars: Vars<'a>,
    rest: Iter<'a>,
    repeated: Repeated,
    /// The window of the var that is read now, if many names may be repeated.
    window: Option<Window>,
    upgrade: bool,
}

impl<'a> Headers<'a> {
    /// Whether the var that was read last counts among the vars of its name.
    fn counts(&mut self, name: HeaderName<'a>, value: &'a [u8]) -> bool {
        let is_joined = name.separator().is_some();
        if !self.repeated.may_be(name) {
            return !(is_joined && value.is_empty());
        }
        let number = self.vars.len().saturating_sub(self.rest.len()).saturating_sub(1);
        if self.repeated.are_many() {
            let window = self.window.filter(|window| window.has(number));
            return self.window.insert(window.unwrap_or_else(|| Window::around(self.vars, number))).counts(number);
        }
        let mut later = values(self.rest.clone(), name);
        if !is_joined {
            return later.next().is_none();
        }
        let previous = values(self.vars.iter().take(number), name).filter(|value| !value.is_empty()).last();
        !value.is_empty() && previous != Some(value) && later.last().is_none_or(|last| !last.is_empty())
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (HeaderName<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key, value) = self.rest.next()?;
            let Some(name) = HeaderName::from_key(key) else { continue };
            let is_absent = value.is_empty() && !name.is_prefixed();
            if !is_absent && name.passes(self.upgrade) && self.counts(name, value) {
                return Some((name, value));
            }
        }
    }
}

impl FusedIterator for Headers<'_> {}

/// Every header of a request as it came, in wire order; from [`Request::raw_headers`].
#[derive(Debug, Clone)]
pub struct RawHeaders<'a> {
    vars: Iter<'a>,
}

impl<'a> Iterator for RawHeaders<'a> {
    type Item = (HeaderName<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.vars.find_map(|(key, value)| {
            let name = HeaderName::from_key(key)?;
            (!value.is_empty() || name.is_prefixed()).then_some((name, value))
        })
    }
}

impl FusedIterator for RawHeaders<'_> {}

/// The values of one header that count, in wire order; from [`Request::header_all`].
#[derive(Debug, Clone)]
pub struct HeaderValues<'a, 'n> {
    name: HeaderName<'n>,
    vars: Iter<'a>,
    previous: Option<&'a [u8]>,
    /// The value of a header that may have one value only.
    only: Option<&'a [u8]>,
}

impl<'a, 'n> HeaderValues<'a, 'n> {
    fn new(vars: Vars<'a>, name: HeaderName<'n>) -> Self {
        let last = values(vars.iter(), name).last();
        let ended = Self { name, vars: Vars::EMPTY.iter(), previous: None, only: None };
        match name.separator() {
            None => Self { only: last.filter(|last| !last.is_empty() || name.is_prefixed()), ..ended },
            Some(_) if last.is_none_or(<[u8]>::is_empty) => ended,
            Some(_) => Self { vars: vars.iter(), ..ended },
        }
    }
}

impl<'a> Iterator for HeaderValues<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(only) = self.only.take() {
            return Some(only);
        }
        let name = self.name;
        let value = loop {
            let value = self.vars.find_map(|(key, value)| is_named(key, name).then_some(value))?;
            if !value.is_empty() && self.previous != Some(value) {
                break value;
            }
        };
        self.previous = Some(value);
        Some(value)
    }
}

impl FusedIterator for HeaderValues<'_, '_> {}

/// Returns the values of all vars that carry this header.
fn values<'a>(
    vars: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    name: HeaderName<'_>,
) -> impl Iterator<Item = &'a [u8]> {
    vars.filter(move |(key, _)| is_named(key, name)).map(|(_, value)| value)
}

/// Whether a var carries this header. `CONTENT_TYPE` and `HTTP_CONTENT_TYPE` are two headers.
#[inline]
fn is_named(key: &[u8], name: HeaderName<'_>) -> bool {
    // Most keys have another length.
    let prefix = if name.is_prefixed() { field_name::PREFIX.len() } else { 0 };
    key.len() == name.as_bytes().len().saturating_add(prefix)
        && HeaderName::from_key(key).is_some_and(|found| found.is_prefixed() == name.is_prefixed() && found == name)
}

/// A filter of 64 bits that says which names may have come more than once. Several names may share a bit.
#[derive(Debug, Clone, Copy, Default)]
struct Repeated {
    seen: u64,
    again: u64,
    /// The number of headers.
    count: u32,
}

impl Repeated {
    fn see(&mut self, name: HeaderName<'_>) {
        let bit = Self::bit(name);
        self.count = self.count.saturating_add(1);
        self.again |= self.seen & bit;
        self.seen |= bit;
    }

    /// Whether [`Window`] probably takes fewer instructions than a search through all vars for each header that shares a bit.
    /// By callgrind it does for about 12 such headers or more. The difference of headers and bits is only an estimate of their
    /// number.
    const fn are_many(&self) -> bool {
        self.count.saturating_sub(self.seen.count_ones()) > 8
    }

    fn may_be(&self, name: HeaderName<'_>) -> bool {
        self.again & Self::bit(name) != 0
    }

    /// Returns the bit of a name. The length and the last byte of the name decide it, so equal names have the same bit.
    fn bit(name: HeaderName<'_>) -> u64 {
        let last = name.bytes().next_back().unwrap_or_default();
        let len = u32::try_from(name.as_bytes().len()).unwrap_or_default();
        1_u64.rotate_left(u32::from(last).wrapping_mul(11).wrapping_add(len))
    }
}
