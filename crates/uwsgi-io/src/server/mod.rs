//! The server's side of a connection: requests in, responses out.

pub(crate) mod addresses;
pub(crate) mod head_error;
mod receive;
pub(crate) mod request_body;
pub(crate) mod request_reader;
pub(crate) mod response_writer;
mod shared_state;
