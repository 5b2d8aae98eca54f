//! The response that an application writes.

use std::io::{self, Write};

use uwsgi::framing::{content_length, is_length_right, whole_length};
use uwsgi_io::{HeadError, ResponseWriter, Transport};

use crate::app::head::Head;

/// The response to a request. The bytes that the application writes are the body. They leave before [`write`](Write::write)
/// returns.
///
/// Give the head a Content-Length where you know the length. Without one, the end of the connection is the end of the body. A
/// Unix socket has no reset, so the front end cannot tell there whether such a response is whole or broke off.
/// [`whole`](Self::whole) adds a Content-Length. If a response ends without a byte of body, the server adds a length of 0.
pub trait Answer: Write + Send {
    /// Gives the head, or replaces it.
    ///
    /// # Errors
    ///
    /// [`HeadError`]: a line is not allowed in a head, or another head has left. Nothing has changed then.
    fn head(&mut self, head: Head) -> Result<(), HeadError>;

    /// Returns whether the head has left. It cannot be replaced then.
    fn has_left(&self) -> bool;

    /// Returns whether this is the response to a HEAD request. No byte of its body leaves. An `Answer` that wraps another one
    /// must return what that one returns.
    fn is_head_request(&self) -> bool {
        false
    }

    /// Gives the head and the whole body. Adds a Content-Length if [the response should have one](uwsgi::framing::whole_length)
    /// and the head has none.
    ///
    /// # Errors
    ///
    /// Those of [`head`](Self::head) and of [`write`](Write::write). [`io::ErrorKind::InvalidInput`]: the head has a
    /// Content-Length that is [wrong for this body](uwsgi::framing::is_length_right). Nothing has changed then.
    fn whole(&mut self, head: Head, body: &[u8]) -> io::Result<()> {
        let (length, to_head) = (u64::try_from(body.len()).unwrap_or(u64::MAX), self.is_head_request());
        // `head` refuses a value that is not a number.
        let declared = head.header("content-length").map(|value| content_length(value).ok().flatten());
        let head = match (declared, whole_length(head.status(), to_head, length)) {
            (None, Some(length)) => head.with_length(length),
            (Some(Some(declared)), _) if !is_length_right(head.status(), to_head, declared, length) => {
                let what = format!("the head has a Content-Length of {declared}, and the body has {length} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            _ => head,
        };
        self.head(head).map_err(io::Error::other)?;
        self.write_all(body)
    }
}

impl<T: Transport + Sync> Answer for ResponseWriter<'_, T> {
    fn head(&mut self, head: Head) -> Result<(), HeadError> {
        ResponseWriter::head(self, head.status(), head.reason(), head.lines())
    }

    fn has_left(&self) -> bool {
        ResponseWriter::has_left(self)
    }

    fn is_head_request(&self) -> bool {
        self.respond().is_head_request()
    }
}
