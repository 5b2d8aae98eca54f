//! Structured input for fuzz targets of programs that use this crate (feature `arbitrary`).
//!
//! A decoder refuses most random bytes at the first length field. [`WellFormed`] is a packet that decodes. [`NearlyWellFormed`]
//! is a packet with one change, as a broken or hostile peer would send it. [`WebRequest`] is a request as a front end sends it.
//!
//! ```
//! use arbitrary::{Arbitrary, Unstructured};
//! use uwsgi::arbitrary::{NearlyWellFormed, WellFormed};
//! use uwsgi::Packet;
//!
//! let seed: Vec<u8> = (0..=255).cycle().take(4096).collect();
//! let request = WellFormed::arbitrary(&mut Unstructured::new(&seed)).unwrap();
//! let (packet, body) = Packet::decode(request.as_bytes())?;
//! assert!(packet.content().is_ok());
//! assert_eq!(body, request.body());
//!
//! let broken = NearlyWellFormed::arbitrary(&mut Unstructured::new(&seed)).unwrap();
//! let _ = Packet::decode(broken.as_bytes()).and_then(|(packet, _)| packet.content()); // must not panic
//! # Ok::<(), uwsgi::DecodeError>(())
//! ```

mod web_request;

use alloc::vec::Vec;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::cgi::vars_encoder::VarsEncoder;
use crate::wire::array_encoder::ArrayEncoder;
use crate::wire::decimal::Decimal;
use crate::wire::header::Header;
use crate::wire::modifier::{Modifier1, PayloadForm};
use crate::wire::packet::Packet;

pub use web_request::WebRequest;

/// A packet that decodes in the form that its modifiers ask for, and a body after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WellFormed {
    bytes: Vec<u8>,
    packet_len: usize,
}

impl WellFormed {
    /// Returns the packet and its body, as they are on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the packet without its body.
    #[must_use]
    pub fn packet(&self) -> &[u8] {
        self.bytes.get(..self.packet_len).unwrap_or_default()
    }

    /// Returns the bytes after the packet. Half of the packets of vars begin with a `CONTENT_LENGTH` that says how many they
    /// are. The others may have a `CONTENT_LENGTH` of any value.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.packet_len..).unwrap_or_default()
    }
}

impl<'a> Arbitrary<'a> for WellFormed {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        // Half of the packets are requests, because servers handle mostly requests.
        let (modifier1, modifier2) = match bool::arbitrary(input)? {
            true => (Modifier1::WSGI, 0),
            false => (*input.choose(Modifier1::NAMED)?, u8::arbitrary(input)?),
        };
        let mut bytes = Vec::new();
        let body = <&[u8]>::arbitrary(input)?;
        match modifier1.payload_form(modifier2, 1) {
            PayloadForm::Vars => vars(input, modifier1, modifier2, body, &mut bytes)?,
            PayloadForm::Array => array(input, modifier1, modifier2, &mut bytes)?,
            PayloadForm::Raw | PayloadForm::None => {
                let payload = <&[u8]>::arbitrary(input)?;
                let packet =
                    Packet::new(modifier1, modifier2, payload).map_err(|_| arbitrary::Error::IncorrectFormat)?;
                packet.encode(&mut bytes).map_err(|_| arbitrary::Error::IncorrectFormat)?;
            }
        }
        let packet_len = bytes.len();
        bytes.extend_from_slice(body);
        Ok(Self { bytes, packet_len })
    }
}

/// A packet with one change: another length, fewer bytes, one more byte, or another byte. It may still decode, for example if
/// the change is in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearlyWellFormed {
    bytes: Vec<u8>,
}

impl NearlyWellFormed {
    /// Returns the bytes, as they are on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Arbitrary<'a> for NearlyWellFormed {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let mut bytes = WellFormed::arbitrary(input)?.bytes;
        match input.int_in_range(0..=4_u8)? {
            // Another datasize.
            0 => {
                if let [_, low, high, ..] = &mut *bytes {
                    [*low, *high] = near(input, u16::from_le_bytes([*low, *high]))?.to_le_bytes();
                }
            }
            // Two other bytes after the header, among the first 65 bytes. Those of the first length are the most likely.
            1 => {
                let at = input.choose_index(bytes.len().clamp(1, 64))?.max(Header::LEN);
                if let Some([low, high, ..]) = bytes.get_mut(at..) {
                    [*low, *high] = near(input, u16::from_le_bytes([*low, *high]))?.to_le_bytes();
                }
            }
            // Cut short.
            2 => bytes.truncate(input.choose_index(bytes.len().max(1))?),
            // One more byte at the end of the block.
            3 => {
                let extra = u8::arbitrary(input)?;
                if let [_, low, high, ..] = &mut *bytes {
                    let longer = u16::from_le_bytes([*low, *high]).saturating_add(1);
                    [*low, *high] = longer.to_le_bytes();
                    let end = usize::from(longer).saturating_add(Header::LEN).saturating_sub(1).min(bytes.len());
                    bytes.insert(end, extra);
                }
            }
            // One byte changed.
            _ => {
                let at = input.choose_index(bytes.len().max(1))?;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::arbitrary(input)?;
                }
            }
        }
        Ok(Self { bytes })
    }
}

/// Keys that servers know, so that a fuzz target reaches the code for them.
const KEYS: &[&str] = &[
    "REQUEST_METHOD",
    "REQUEST_URI",
    "PATH_INFO",
    "SCRIPT_NAME",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "SERVER_PROTOCOL",
    "SERVER_NAME",
    "SERVER_PORT",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "REMOTE_USER",
    "DOCUMENT_ROOT",
    "REQUEST_SCHEME",
    "HTTPS",
    "HTTP_HOST",
    "HTTP_CONNECTION",
    "HTTP_COOKIE",
    "HTTP_CONTENT_LENGTH",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_",
    "UWSGI_FILE",
    "UWSGI_SCHEME",
    "wsgi.url_scheme",
    "key",
    "address",
    "modifier1",
    "weight",
    "sign",
    "cmd",
    "size",
    "expires",
    "status",
    "spooler",
    "priority",
    "at",
];

/// Values for these keys.
const VALUES: &[&str] =
    &["", "GET", "POST", "/", "/a%2fb", "on", "https", "HTTP/1.1", "0", "5", "18446744073709551616", "get", "ok"];

/// Writes as many pairs as the input decides. The first one may be a `CONTENT_LENGTH` with the length of the body.
fn vars(
    input: &mut Unstructured<'_>,
    modifier1: Modifier1,
    modifier2: u8,
    body: &[u8],
    bytes: &mut Vec<u8>,
) -> Result<()> {
    let mut encoder = VarsEncoder::new(bytes);
    let declares = bool::arbitrary(input)?;
    if declares {
        let length = u64::try_from(body.len()).unwrap_or(0);
        // If the encoder refuses a pair, here or below, the packet is well-formed without it.
        let _ = encoder.push_raw("CONTENT_LENGTH", &Decimal::new(length));
    }
    while !input.is_empty() && bool::arbitrary(input)? {
        let key = text(input, KEYS)?;
        let value = text(input, VALUES)?;
        if !(declares && key == b"CONTENT_LENGTH") {
            let _ = encoder.push_raw(key, value);
        }
    }
    encoder.finish(modifier1, modifier2).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    Ok(())
}

fn array(input: &mut Unstructured<'_>, modifier1: Modifier1, modifier2: u8, bytes: &mut Vec<u8>) -> Result<()> {
    let mut encoder = ArrayEncoder::new(bytes);
    while !input.is_empty() && bool::arbitrary(input)? {
        let _ = encoder.push(<&[u8]>::arbitrary(input)?);
    }
    encoder.finish(modifier1, modifier2).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    Ok(())
}

/// Returns a known text, or any bytes.
fn text<'a>(input: &mut Unstructured<'a>, known: &[&'static str]) -> Result<&'a [u8]> {
    if bool::arbitrary(input)? { Ok(input.choose(known)?.as_bytes()) } else { <&[u8]>::arbitrary(input) }
}

/// Returns a length near the given one, or any length.
fn near(input: &mut Unstructured<'_>, length: u16) -> Result<u16> {
    Ok(match input.int_in_range(0..=5_u8)? {
        0 => length.wrapping_add(1),
        1 => length.wrapping_sub(1),
        2 => 0,
        3 => u16::MAX,
        4 => length.swap_bytes(),
        _ => u16::arbitrary(input)?,
    })
}
