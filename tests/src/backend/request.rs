//! A request that a scripted backend reads.

use std::io::{self, ErrorKind, Read};

use crate::naive::{self, Rules};

/// A request, whose body was read.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    /// The length of its body.
    pub(super) length: u64,
}

impl Request {
    /// Reads a request with its body.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut header = [0; 4];
        stream.read_exact(&mut header)?;
        let mut payload = vec![0; usize::from(u16::from_le_bytes([header[1], header[2]]))];
        stream.read_exact(&mut payload)?;
        let vars = naive::vars(&payload, &Rules::WIRE).whole().map_err(|_| ErrorKind::InvalidData)?;
        let var = |name: &[u8]| {
            let found = vars.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
        };
        let length = var(b"CONTENT_LENGTH").parse().map_err(|_| ErrorKind::InvalidData)?;
        if io::copy(&mut stream.take(length), &mut io::sink())? < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(Self { path: var(b"PATH_INFO"), length })
    }
}
