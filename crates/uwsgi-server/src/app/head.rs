//! The head of a response, as an application gives it.

use alloc::borrow::Cow;

/// The head of a response: its status, its reason phrase and its lines, in order.
///
/// It accepts every value. [`Answer::head`](crate::Answer::head) refuses the values that are not allowed in a head.
///
/// ```
/// use uwsgi_server::Head;
///
/// let head = Head::new(404).with("Content-Type", "text/plain").with_length(10);
/// assert_eq!(head.reason(), "Not Found");
/// assert_eq!(head.header("content-length"), Some(&b"10"[..]));
/// assert_eq!(head.without("Content-Type").lines().count(), 1);
/// ```
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    status: u16,
    reason: Cow<'static, str>,
    /// The names and values of all lines, without separators.
    text: Vec<u8>,
    /// The ends of each line's name and value in `text`.
    lines: Vec<(usize, usize)>,
}

impl Head {
    /// Creates a head of this status, with its usual reason phrase (RFC 9110 section 15) and no lines.
    pub fn new(status: u16) -> Self {
        // Most heads fit into this and never reallocate.
        let (text, lines) = (Vec::with_capacity(128), Vec::with_capacity(4));
        let reason = REASONS.iter().find(|(known, _)| *known == status).map_or("", |(_, reason)| reason);
        Self { status, reason: Cow::Borrowed(reason), text, lines }
    }

    /// Adds a line.
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.text.extend_from_slice(name.as_ref());
        let name_end = self.text.len();
        self.text.extend_from_slice(value.as_ref());
        self.lines.push((name_end, self.text.len()));
        self
    }

    /// Adds a Content-Length, in bytes.
    pub fn with_length(self, bytes: u64) -> Self {
        self.with("Content-Length", bytes.to_string())
    }

    /// Sets the reason phrase.
    pub fn with_reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// Removes the lines of this name. Upper and lower case are equal.
    pub fn without(&self, name: &str) -> Self {
        let bare = Self { text: Vec::new(), lines: Vec::new(), reason: self.reason.clone(), ..*self };
        let others = self.lines().filter(|(other, _)| !other.eq_ignore_ascii_case(name.as_bytes()));
        others.fold(bare, |head, (name, value)| head.with(name, value))
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the reason phrase.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the name and the value of each line.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let starts = core::iter::once(0).chain(self.lines.iter().map(|(_, end)| *end));
        starts.zip(&self.lines).map(|(start, (name_end, end))| {
            (self.text.get(start..*name_end).unwrap_or_default(), self.text.get(*name_end..*end).unwrap_or_default())
        })
    }

    /// Returns the value of the last line of this name. Upper and lower case are equal.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.lines().filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).last().map(|(_, value)| value)
    }
}

/// The reason phrases of RFC 9110 section 15, RFC 6585 and RFC 7725. Clients ignore them.
#[rustfmt::skip]
const REASONS: [(u16, &str); 45] = [
    (101, "Switching Protocols"),
    (200, "OK"), (201, "Created"), (202, "Accepted"), (203, "Non-Authoritative Information"),
    (204, "No Content"), (205, "Reset Content"), (206, "Partial Content"),
    (300, "Multiple Choices"), (301, "Moved Permanently"), (302, "Found"), (303, "See Other"),
    (304, "Not Modified"), (307, "Temporary Redirect"), (308, "Permanent Redirect"),
    (400, "Bad Request"), (401, "Unauthorized"), (402, "Payment Required"), (403, "Forbidden"),
    (404, "Not Found"), (405, "Method Not Allowed"), (406, "Not Acceptable"),
    (408, "Request Timeout"), (409, "Conflict"), (410, "Gone"), (411, "Length Required"),
    (412, "Precondition Failed"), (413, "Content Too Large"), (414, "URI Too Long"),
    (415, "Unsupported Media Type"), (416, "Range Not Satisfiable"), (417, "Expectation Failed"),
    (421, "Misdirected Request"), (422, "Unprocessable Content"), (426, "Upgrade Required"),
    (428, "Precondition Required"), (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"), (451, "Unavailable For Legal Reasons"),
    (500, "Internal Server Error"), (501, "Not Implemented"), (502, "Bad Gateway"),
    (503, "Service Unavailable"), (504, "Gateway Timeout"), (505, "HTTP Version Not Supported"),
];
