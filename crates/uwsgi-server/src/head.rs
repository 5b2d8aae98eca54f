//! The head of an answer, as an application gives it.

use alloc::borrow::Cow;

/// The head of an answer: its status, its reason, its lines in their order.
///
/// It holds whatever it is given. [`Answer::head`](crate::Answer::head) refuses what cannot stand in one.
///
/// ```
/// use uwsgi_server::Head;
///
/// let head = Head::new(404).with("Content-Type", "text/plain").with_length(10);
/// assert_eq!(head.reason(), "Not Found");
/// assert_eq!(head.header("content-length"), Some(&b"10"[..]));
/// assert_eq!(head.without("Content-Type").lines().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    status: u16,
    reason: Cow<'static, str>,
    /// Names and values, one behind the other.
    text: Vec<u8>,
    /// Where each name and each value ends.
    lines: Vec<(usize, usize)>,
}

impl Head {
    /// A head of a status, with its usual reason (RFC 9110 section 15), and no line.
    #[must_use]
    pub fn new(status: u16) -> Self {
        // Most heads fit into this, and then nothing is moved while they grow.
        let (text, lines) = (Vec::with_capacity(128), Vec::with_capacity(4));
        Self { status, reason: Cow::Borrowed(usual_reason(status)), text, lines }
    }

    /// The same head with one more line.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.text.extend_from_slice(name.as_ref());
        let name_end = self.text.len();
        self.text.extend_from_slice(value.as_ref());
        self.lines.push((name_end, self.text.len()));
        self
    }

    /// The same head with a Content-Length, in bytes.
    #[must_use]
    pub fn with_length(self, bytes: u64) -> Self {
        self.with("Content-Length", bytes.to_string())
    }

    /// The same head with another reason.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// The same head without the lines of this name, however it is spelled.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let bare = Self { text: Vec::new(), lines: Vec::new(), reason: self.reason.clone(), ..*self };
        let others = self.lines().filter(|(other, _)| !other.eq_ignore_ascii_case(name.as_bytes()));
        others.fold(bare, |head, (name, value)| head.with(name, value))
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The lines: names and values.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let starts = core::iter::once(0).chain(self.lines.iter().map(|(_, end)| *end));
        starts.zip(&self.lines).map(|(start, (name_end, end))| {
            (self.text.get(start..*name_end).unwrap_or_default(), self.text.get(*name_end..*end).unwrap_or_default())
        })
    }

    /// The value of the first line of this name, however it is spelled.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.lines().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }
}

/// What RFC 9110 and its companions call a status. Clients do not read it.
const fn usual_reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
