//! The client side of a connection, without I/O: where a server listens, and one request and its answer.

mod exchange;
mod exchange_error;
mod exchange_send;
mod message;
mod no_body;
mod repeat;
#[cfg(feature = "alloc")]
mod request_builder;
#[cfg(feature = "alloc")]
mod request_builder_error;
#[cfg(feature = "alloc")]
mod split_response;
mod step;

pub use exchange::Exchange;
pub use exchange_error::ExchangeError;
pub use message::{MessageStep, message_answer};
pub use no_body::declare_no_body;
pub use repeat::{FailedAttempt, is_idempotent};
#[cfg(feature = "alloc")]
pub use request_builder::RequestBuilder;
#[cfg(feature = "alloc")]
pub use request_builder_error::RequestBuilderError;
#[cfg(feature = "alloc")]
pub use split_response::SplitResponse;
pub use step::{AnswerStep, BodyStep, HeadStep};
