//! Where the body of a client's request ends.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Version};
use uwsgi::framing::declared_length;
use uwsgi::gateway::{TransferCoding, transfer_coding};

use crate::vars::head_error::HeadError;
use crate::vars::headers::values;

/// Where the body of a client's request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "HTTP/1.1 has no other framing of a request")]
pub enum FrontBody {
    /// There is no body: no length is declared, or the length 0.
    None,
    /// The body has exactly this many bytes.
    Length(u64),
    /// The body is chunked, so its length is not known yet.
    Chunked,
}

impl FrontBody {
    /// Reads the framing headers that hyper 1.12 left in a request. If a request has a length and is chunked, hyper removes the
    /// length.
    pub(crate) fn of(parts: &Parts) -> Result<Self, HeadError> {
        let body = match transfer_coding(values(&parts.headers, &TRANSFER_ENCODING)) {
            TransferCoding::None => match declared_length(values(&parts.headers, &CONTENT_LENGTH)) {
                Ok(None | Some(0)) => Self::None,
                Ok(Some(length)) => Self::Length(length),
                Err(error) => return Err(HeadError::ContentLength(error)),
            },
            // A server of HTTP/1.0 may pass such a request on with a body that it has not read (RFC 9112 section 6.1).
            _ if parts.version < Version::HTTP_11 => return Err(HeadError::TransferEncodingInHttp10),
            TransferCoding::Chunked => Self::Chunked,
            _ => return Err(HeadError::TransferCoding),
        };
        // RFC 9110 section 9.3.8: a TRACE request has no content.
        if parts.method == Method::TRACE && body != Self::None {
            return Err(HeadError::TraceWithBody);
        }
        Ok(body)
    }
}
