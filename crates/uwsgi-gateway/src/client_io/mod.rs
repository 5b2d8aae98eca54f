//! The connection of a client: its socket, its clocks, and its end.

mod after;
mod clocked;
mod phase;
mod socket;

pub(crate) use after::after;
pub(crate) use clocked::ClockedIo;
pub(crate) use phase::{Phase, Waiting};
pub(crate) use socket::{ClientSocket, ClientStream, OtherStream, linger};
