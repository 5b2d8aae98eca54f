//! The client side, without I/O: where a server listens, and one request and its answer.

mod address;
mod exchange;
mod message;
mod no_body;
mod repeat;

pub use address::{Address, AddressError};
pub use exchange::{AnswerStep, Exchange, ExchangeError, Incoming, ResponseStep};
pub use message::{MessageStep, message_answer};
pub use no_body::declare_no_body;
pub use repeat::{FailedAttempt, is_idempotent};
