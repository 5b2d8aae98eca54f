//! The type of a case, and the request that it sends.

use std::fmt::Write;
use std::sync::OnceLock;

/// The length of the longest body in these tests.
pub const LONGEST: usize = 20_000_000;

/// One request of a client, what the application must see of it, and what the client must get.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub method: &'static str,
    pub target: &'static str,
    pub version: &'static str,
    /// The headers after `Host: app.example` and `Accept: application/json`. One character is one byte.
    pub headers: &'static [(&'static str, &'static str)],
    pub body: Body,
    pub expect: Expect,
}

/// The body of a request, made of [`filling`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// No body and no length.
    None,
    /// A body of this many bytes, with a `Content-Length`.
    Sized(usize),
    /// A body of this many bytes, in chunks.
    Chunked(usize),
}

/// What both ends of an exchange must see.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// What the report of the application must say. Empty if the application does not report.
    pub sees: &'static [Sees],
    /// What the client must get.
    pub gets: &'static [Gets],
}

/// What the application sees.
#[derive(Debug, Clone, Copy)]
pub enum Sees {
    /// A var. The values of several vars of one key are joined to a list, as RFC 9110 section 5.3 allows for headers: nginx
    /// before 1.23 sends each. One character is one byte.
    Var(&'static str, &'static str),
    /// No such var, or an empty one.
    No(&'static str),
    /// A body of this many bytes of [`filling`].
    Body(usize),
    /// A var with any value but this one.
    Other(&'static str, &'static str),
}

/// What the client gets.
#[derive(Debug, Clone, Copy)]
pub enum Gets {
    Status(u16),
    /// All headers of this name.
    Headers(&'static str, &'static [&'static str]),
    /// Exactly the body that was sent.
    Echo,
    /// A whole body of this many bytes, which count from 0 to 255 and start again.
    Bytes(usize),
    /// No body.
    NoBody,
    /// A body that ends too early, so that the client can see it.
    Cut,
    /// The connection closes without a byte.
    Nothing,
}

impl Body {
    pub const fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Sized(len) | Self::Chunked(len) => len,
        }
    }
}

impl Case {
    /// Returns the bytes of the request.
    pub fn request(&self) -> Vec<u8> {
        let mut head = format!("{} {} {}\r\n", self.method, self.target, self.version);
        head.push_str("Host: app.example\r\nAccept: application/json\r\n");
        for (name, value) in self.headers {
            write!(head, "{name}: {value}\r\n").expect("a string");
        }
        match self.body {
            Body::None => {}
            Body::Sized(len) => write!(head, "Content-Length: {len}\r\n").expect("a string"),
            Body::Chunked(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head.push_str("\r\n");
        let mut request: Vec<u8> = head.chars().map(|byte| u8::try_from(byte).expect("latin-1")).collect();
        let body = filling(self.body.len());
        match self.body {
            Body::None | Body::Sized(_) => request.extend(body),
            Body::Chunked(_) => {
                // No buffer has one of these sizes. The first chunk has one byte.
                let mut rest = body;
                for size in [1, 1000, 4096, 70_001].into_iter().cycle() {
                    let (chunk, left) = rest.split_at(rest.len().min(size));
                    request.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    request.extend(chunk);
                    request.extend(b"\r\n");
                    rest = left;
                    if chunk.is_empty() {
                        break;
                    }
                }
            }
        }
        request
    }
}

/// Returns numbered lines of `len` bytes in all, in which every part differs from the others.
pub fn filling(len: usize) -> &'static [u8] {
    static LINES: OnceLock<Vec<u8>> = OnceLock::new();
    &LINES.get_or_init(|| (0..LONGEST / 8).flat_map(|line| format!("{line:07}\n").into_bytes()).collect())[..len]
}
