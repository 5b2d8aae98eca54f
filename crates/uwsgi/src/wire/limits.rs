//! What a decoder accepts beyond being well formed.

use crate::wire::error::{DecodeError, DecodeErrorKind};

/// Limits that a decoder holds exactly: a packet at the limit passes, one over it is an error of its own kind.
///
/// The default is what the wire allows, empty keys refused: they carry nothing, and uWSGI refuses the whole request
/// that has one. uWSGI's own limits are a datasize of 4096 (`--buffer-size`) and 128 vars (`--max-vars`);
/// gunicorn 27 takes 1,000 vars.
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
    /// What the wire allows, empty keys refused: the default.
    #[must_use]
    pub const fn wire() -> Self {
        Self { datasize: u16::MAX, vars: u16::MAX, key: u16::MAX, value: u16::MAX, empty_keys: false }
    }

    /// What a server should accept from a front end: the default, and at most 1,000 vars, as gunicorn does.
    #[must_use]
    pub const fn server() -> Self {
        Self::wire().with_vars(1000)
    }

    /// The largest datasize, in bytes.
    #[must_use]
    pub const fn with_datasize(self, bytes: u16) -> Self {
        Self { datasize: bytes, ..self }
    }

    /// The most vars in one packet.
    #[must_use]
    pub const fn with_vars(self, count: u16) -> Self {
        Self { vars: count, ..self }
    }

    /// The longest key, in bytes.
    #[must_use]
    pub const fn with_key(self, bytes: u16) -> Self {
        Self { key: bytes, ..self }
    }

    /// The longest value, in bytes.
    #[must_use]
    pub const fn with_value(self, bytes: u16) -> Self {
        Self { value: bytes, ..self }
    }

    /// Whether a key may have no bytes, as gunicorn 27 allows and uWSGI does not.
    #[must_use]
    pub const fn with_empty_keys(self, allowed: bool) -> Self {
        Self { empty_keys: allowed, ..self }
    }

    /// The largest datasize accepted, in bytes.
    #[must_use]
    pub const fn datasize(&self) -> u16 {
        self.datasize
    }
}

/// Whether a packet within the limits could carry the block.
#[inline(always)]
pub(crate) fn fits(block: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    let most = usize::from(limits.datasize);
    if block.len() > most {
        return Err(DecodeError::new(DecodeErrorKind::DatasizeLimit, 0, block.len(), most));
    }
    Ok(())
}
