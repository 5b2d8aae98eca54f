//! A packet that answers a message.

use std::io::{self, Read};

use uwsgi::client::{Exchange, MessageStep, message_answer};
use uwsgi::message::MessageError;
use uwsgi::{DecodeError, Packet};

use crate::client::connection::Lease;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::exchange_driver::Pump;
use crate::client::source::{Incoming, Source};
use crate::client::value::Value;
use crate::transport::window::{SMALL, Window, make_room};

/// A packet that answers a message, and what follows it.
#[derive(Debug)]
pub(crate) struct AnswerPacket<'c, B> {
    pub(crate) packet: Packet<'c>,
    incoming: Incoming<'c, Pump<'c, Lease<'c>, B>>,
    address: &'c str,
    asked: Asked,
}

impl<'c, B: Read> AnswerPacket<'c, B> {
    /// Reads a packet.
    pub(crate) fn read(
        mut pump: Pump<'c, Lease<'c>, B>,
        mut exchange: Exchange,
        buffer: &'c mut Vec<u8>,
        address: &'c str,
        asked: Asked,
    ) -> Result<Self, ClientErrorKind> {
        make_room(buffer, SMALL);
        let mut window = Window::default();
        let end = loop {
            if let Some(end) = packet_end(&window, buffer, asked)? {
                break end;
            }
            if window.filled == buffer.len() {
                make_room(buffer, buffer.len().saturating_mul(2));
            }
            let room = buffer.get_mut(window.filled..).unwrap_or_default();
            let count = pump.fill(&mut exchange, room).map_err(|error| ClientErrorKind::of(error, asked))?;
            window.filled = window.filled.saturating_add(count);
            window.eof = count == 0;
        };
        let (front, tail) = buffer.split_at_mut_checked(end).ok_or(ClientErrorKind::NoAnswer(asked))?;
        let (packet, _) = Packet::decode(front).map_err(malformed)?;
        window.filled = window.filled.saturating_sub(end);
        Ok(Self { packet, incoming: Incoming::new(pump, exchange, tail, window), address, asked })
    }

    /// What is wrong with the packet.
    pub(crate) fn wrong(&self, error: MessageError) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::Message(error))
    }

    pub(crate) fn refused(&self) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::Refused(self.asked))
    }
}

impl<'c> AnswerPacket<'c, io::Empty> {
    /// The value that is in the packet, or behind it.
    pub(crate) fn into_value(self, inline: &'c [u8], behind: u64) -> Value<'c> {
        Value::new(self.incoming, inline, Some(behind), self.address, self.asked)
    }
}

/// Where the packet ends, once it is there.
fn packet_end(window: &Window, buffer: &[u8], asked: Asked) -> Result<Option<usize>, ClientErrorKind> {
    match message_answer(window.of(buffer), window.eof) {
        MessageStep::Packet { end } => Ok(Some(end)),
        MessageStep::Http { status } => Err(ClientErrorKind::Http { status }),
        MessageStep::NoAnswer => Err(ClientErrorKind::NoAnswer(asked)),
        MessageStep::Malformed(error) => Err(malformed(error)),
        MessageStep::Need(_) => Ok(None),
    }
}

fn malformed(error: DecodeError) -> ClientErrorKind {
    ClientErrorKind::Message(MessageError::Decode(error))
}
