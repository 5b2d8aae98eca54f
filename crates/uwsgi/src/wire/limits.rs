//! The limits of decoders.

use crate::wire::error::{DecodeError, DecodeErrorKind};

/// The limits of a decoder. A packet at a limit passes. A packet over a limit fails with an error that names this limit.
///
/// The default is everything that the wire allows, except empty keys: they have no meaning, and uWSGI refuses a request that
/// has one. uWSGI's own limits are a datasize of 4096 (`--buffer-size`) and 128 vars (`--max-vars`). gunicorn 27 accepts 1,000
/// vars.
///
/// ```
/// use uwsgi::{DecodeErrorKind, Limits, Packet};
///
/// let bytes = b"\x00\x0c\x00\x00\x01\x00A\x01\x00B\x01\x00C\x01\x00D";
/// let limits = Limits::default().with_vars(1);
/// let (packet, _) = Packet::decode_with(bytes, &limits)?;
/// assert_eq!(packet.vars_with(&limits).unwrap_err().kind(), DecodeErrorKind::VarsLimit);
/// assert_eq!(packet.vars()?.len(), 2);
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    pub(crate) datasize: u16,
    pub(crate) vars: u16,
    pub(crate) key: u16,
    pub(crate) value: u16,
    pub(crate) empty_keys: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self::wire()
    }
}

impl Limits {
    /// Returns the default: everything that the wire allows, except empty keys.
    #[must_use]
    pub const fn wire() -> Self {
        Self { datasize: u16::MAX, vars: u16::MAX, key: u16::MAX, value: u16::MAX, empty_keys: false }
    }

    /// Returns the limits that a server should have: the default, with at most 1,000 vars as in gunicorn.
    #[must_use]
    pub const fn server() -> Self {
        Self::wire().with_vars(1000)
    }

    /// Sets the largest datasize in bytes; 65535 by default.
    #[must_use]
    pub const fn with_datasize(self, bytes: u16) -> Self {
        Self { datasize: bytes, ..self }
    }

    /// Sets the largest number of vars in a packet; 65535 by default, which no packet reaches.
    #[must_use]
    pub const fn with_vars(self, count: u16) -> Self {
        Self { vars: count, ..self }
    }

    /// Sets the length of the longest key in bytes; 65535 by default.
    #[must_use]
    pub const fn with_key(self, bytes: u16) -> Self {
        Self { key: bytes, ..self }
    }

    /// Sets the length of the longest value in bytes; 65535 by default.
    #[must_use]
    pub const fn with_value(self, bytes: u16) -> Self {
        Self { value: bytes, ..self }
    }

    /// Sets whether a key may be empty; false by default. gunicorn 27 allows empty keys, uWSGI does not.
    #[must_use]
    pub const fn with_empty_keys(self, allowed: bool) -> Self {
        Self { empty_keys: allowed, ..self }
    }

    /// Returns the largest datasize in bytes.
    ///
    /// ```
    /// use uwsgi::Limits;
    ///
    /// let limits = Limits::server().with_datasize(4096).with_key(256);
    /// assert_eq!((limits.datasize(), limits.vars(), limits.key(), limits.value()), (4096, 1000, 256, 65535));
    /// assert!(!limits.empty_keys());
    /// ```
    #[must_use]
    pub const fn datasize(&self) -> u16 {
        self.datasize
    }

    /// Returns the largest number of vars in a packet.
    #[must_use]
    pub const fn vars(&self) -> u16 {
        self.vars
    }

    /// Returns the length of the longest key in bytes.
    #[must_use]
    pub const fn key(&self) -> u16 {
        self.key
    }

    /// Returns the length of the longest value in bytes.
    #[must_use]
    pub const fn value(&self) -> u16 {
        self.value
    }

    /// Whether a key may be empty.
    #[must_use]
    pub const fn empty_keys(&self) -> bool {
        self.empty_keys
    }
}

/// Refuses a block that no packet within the limits can carry.
#[inline(always)]
pub(crate) fn fits(block: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    let most = usize::from(limits.datasize);
    if block.len() > most {
        return Err(DecodeError::new(DecodeErrorKind::DatasizeLimit, 0, block.len(), most));
    }
    Ok(())
}
