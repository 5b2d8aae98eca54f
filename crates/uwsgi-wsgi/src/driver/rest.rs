//! The bytes of an answer that have not left.

use core::fmt;
use std::fs::File;
use std::io::{self, IoSlice};

use rustix::io::Errno;
use uwsgi_io::{Socket, Transport};

use crate::driver::incoming::is_retry;

/// The bytes of an answer that have not left: the rest of its head, and the rest of its body.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    head: Vec<u8>,
    head_sent: usize,
    body: Body,
}

/// The rest of a body.
#[derive(Default)]
pub(crate) enum Body {
    #[default]
    None,
    /// Bytes from a position on.
    Bytes(Bytes, usize),
    /// A part of a file.
    File(FilePart),
}

/// Bytes that live as long as an answer needs them, such as those of a Python object.
pub(crate) type Bytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// A part of a file.
#[derive(Debug)]
pub(crate) struct FilePart {
    pub(crate) file: File,
    /// Where the part begins in the file.
    pub(crate) offset: u64,
    /// How many bytes of the part have not left.
    pub(crate) left: u64,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bytes(bytes, sent) => write!(f, "Bytes({} of {})", sent, (**bytes).as_ref().len()),
            Self::File(part) => part.fmt(f),
        }
    }
}

/// Bytes over this length are dropped at once, not with the next request.
const LARGE: usize = 256 << 10;
/// The most bytes that one call sends from a file. A file may have to be read from a disk first.
const FILE_PIECE: usize = 1 << 20;

impl Rest {
    pub(crate) fn new(head: Vec<u8>, body: Body) -> Self {
        Self { head, head_sent: 0, body }
    }

    /// Sends as much as can leave now. Returns how many bytes of the body left; `None` if no byte can leave yet. Do not call it
    /// when [all bytes have left](Self::is_empty).
    pub(crate) fn send(&mut self, socket: &Socket) -> io::Result<Option<usize>> {
        let head = self.head.get(self.head_sent..).unwrap_or_default();
        let sent = match &mut self.body {
            Body::Bytes(bytes, from) => {
                let bytes = (**bytes).as_ref().get(*from..).unwrap_or_default();
                send_pieces(socket, head, bytes)
            }
            Body::File(part) if head.is_empty() => part.send(socket),
            _ => send_pieces(socket, head, &[]),
        };
        let count = match sent {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => count,
            Err(error) if is_retry(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let of_head = count.min(head.len());
        let of_body = count.saturating_sub(of_head);
        self.head_sent = self.head_sent.saturating_add(of_head);
        if let Body::Bytes(_, from) = &mut self.body {
            *from = from.saturating_add(of_body);
        }
        Ok(Some(of_body))
    }

    /// Whether the body is a part of a file.
    pub(crate) const fn is_file(&self) -> bool {
        matches!(self.body, Body::File(_))
    }

    /// Whether no byte has left.
    pub(crate) fn is_unsent(&self) -> bool {
        self.head_sent == 0 && !self.head.is_empty()
    }

    /// Returns the bytes of the body, to be dropped by a thread that is attached to Python, if they take much memory.
    pub(crate) fn into_large_bytes(self) -> Option<Bytes> {
        match self.body {
            Body::Bytes(bytes, _) if (*bytes).as_ref().len() > LARGE => Some(bytes),
            _ => None,
        }
    }

    /// Whether all bytes have left.
    pub(crate) fn is_empty(&self) -> bool {
        self.head_sent >= self.head.len()
            && match &self.body {
                Body::None => true,
                Body::Bytes(bytes, from) => *from >= (**bytes).as_ref().len(),
                Body::File(part) => part.left == 0,
            }
    }
}

impl FilePart {
    fn send(&mut self, socket: &Socket) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(FILE_PIECE);
        let count =
            rustix::fs::sendfile(socket, &self.file, Some(&mut self.offset), most).map_err(|error| match error {
                Errno::AGAIN | Errno::INTR | Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => error.into(),
                error => io::Error::new(io::ErrorKind::UnexpectedEof, format!("the file cannot be sent: {error}")),
            })?;
        if count == 0 {
            let what = format!("the file has become shorter: {} bytes are missing", self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// Sends a head and the bytes after it in one call.
pub(crate) fn send_pieces(socket: &Socket, head: &[u8], bytes: &[u8]) -> io::Result<usize> {
    match (head, bytes) {
        ([], bytes) => socket.write(&[IoSlice::new(bytes)]),
        (head, []) => socket.write(&[IoSlice::new(head)]),
        (head, bytes) => socket.write(&[IoSlice::new(head), IoSlice::new(bytes)]),
    }
}
