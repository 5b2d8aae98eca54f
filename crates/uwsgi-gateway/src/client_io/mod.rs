//! The connection of a client: its stream, its clock, and its end.

mod clock;
mod deadline_after;
mod observed;
mod phase;
mod socket;

pub(crate) use clock::ConnectionClock;
pub(crate) use deadline_after::deadline_after;
pub(crate) use observed::ObservedIo;
pub(crate) use phase::{Phase, Waiting};
pub(crate) use socket::{ClientSocket, LONG_SILENCE, SHORT_SILENCE, linger};
