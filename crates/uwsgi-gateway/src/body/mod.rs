//! The bodies of requests and of answers: their limits, their clocks, and what is buffered.

mod answer;
mod buffered;
mod error;
mod limited;
mod wait;

#[cfg(test)]
mod tests;

pub(crate) use answer::{AnswerBody, AnswerError};
pub(crate) use buffered::{BufferedBody, read_whole};
pub(crate) use error::BodyError;
pub(crate) use limited::{BodyLimits, LimitedBody};
