//! The client side, without I/O: where a server listens, and one request and its answer.

mod address;
mod exchange;
mod message;

pub use address::{Address, AddressError};
pub use exchange::{AnswerStep, Exchange, ExchangeError, Incoming, ResponseStep};
pub use message::{MessageStep, message_answer};
