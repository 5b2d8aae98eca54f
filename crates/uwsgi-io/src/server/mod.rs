//! The server's side of a connection: requests in, responses out.

pub(crate) mod receiving;
pub(crate) mod request_body;
pub(crate) mod request_reader;
pub(crate) mod response_writer;
pub(crate) mod shared;
