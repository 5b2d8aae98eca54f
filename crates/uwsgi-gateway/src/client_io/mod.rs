//! The connection of a client: its stream, its clock, and its end.

mod after;
mod clock;
mod observed;
mod phase;
mod socket;

pub(crate) use after::after;
pub(crate) use clock::ConnectionClock;
pub(crate) use observed::ObservedIo;
pub(crate) use phase::{Phase, Waiting};
pub(crate) use socket::{ClientSocket, LONG_SILENCE, SHORT_SILENCE, linger};
