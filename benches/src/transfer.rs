//! What the servers and the clients of the end-to-end comparisons agree on.

/// How much is read or written at a time when a large body goes over a socket.
pub const BUFFER: usize = 64 << 10;

/// What both servers answer a hello with: the same bytes, of which only one of them knows what they mean.
pub const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, World!\n";

/// The body of it.
pub const HELLO_BODY: &[u8] = b"Hello, World!\n";

/// What the byte modifier2 asks for. The server under test goes by the path instead and passes it on.
pub mod modifier2 {
    /// The constant answer.
    pub const HELLO: u8 = 0;
    /// Take a body of the agreed length, then answer.
    pub const UPLOAD: u8 = 1;
    /// Answer with a body of the agreed length.
    pub const DOWNLOAD: u8 = 2;
}
