//! What a server knows about the body of a request.

use uwsgi::framing::RequestFraming;

/// What a server knows about the body of a request after it has read the body.
///
/// This does not need the body itself: a server can count and hash the bytes while it reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body {
    framing: RequestFraming,
    length: u64,
    sha256: [u8; 32],
}

impl Body {
    /// No body.
    pub const NONE: Self = Self { framing: RequestFraming::None, length: 0, sha256: SHA256_OF_EMPTY };

    /// Creates the description of a body that was read: its framing, how many bytes came, and their SHA-256.
    #[must_use]
    pub const fn new(framing: RequestFraming, length: u64, sha256: [u8; 32]) -> Self {
        Self { framing, length, sha256 }
    }

    /// Returns the framing: where the body should end.
    #[must_use]
    pub const fn framing(&self) -> RequestFraming {
        self.framing
    }

    /// Returns how many bytes came.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns the SHA-256 of the bytes that came.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Returns the framing as one word.
    pub(crate) const fn framing_name(&self) -> &'static str {
        match self.framing {
            RequestFraming::Length(_) => "content-length",
            RequestFraming::Chunked => "chunked",
            _ => "none",
        }
    }

    /// Returns the SHA-256 in hex digits.
    pub(crate) fn sha256_hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The SHA-256 of the empty message (FIPS 180-4).
const SHA256_OF_EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
