//! Constants that the servers and the clients of the end-to-end comparisons share.

/// How many bytes of a large body are read or written at a time.
pub const BUFFER: usize = 64 << 10;

/// The answer of both servers to a hello. The limit server writes these bytes and does not interpret them.
pub const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, World!\n";

/// The body of [`HELLO`].
pub const HELLO_BODY: &[u8] = b"Hello, World!\n";

/// The requests that modifier2 stands for. Only the limit server reads modifier2; the server under test reads the path.
pub mod modifier2 {
    /// Asks for the constant answer.
    pub const HELLO: u8 = 0;
    /// Sends a body of the agreed length, and asks for the constant answer after it.
    pub const UPLOAD: u8 = 1;
    /// Asks for a body of the agreed length.
    pub const DOWNLOAD: u8 = 2;
}
