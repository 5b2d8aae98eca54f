//! A packet that answers a message.

use std::io::{self, Read};

use uwsgi::client::{Exchange, MessageStep, message_answer};
use uwsgi::message::MessageError;
use uwsgi::{DecodeError, Packet};

use crate::client::connection_guard::ConnectionGuard;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::exchange_driver::ExchangeDriver;
use crate::client::source::{BufferedSource, INITIAL_BUFFER, Source};
use crate::client::value::Value;
use crate::transport::window::{Window, make_room};

/// A packet that answers a message, and the source of the bytes after it.
#[derive(Debug)]
pub(crate) struct AnswerPacket<'c, B> {
    pub(crate) packet: Packet<'c>,
    source: BufferedSource<'c, ExchangeDriver<'c, ConnectionGuard<'c>, B>>,
    address: &'c str,
    asked: Asked,
}

impl<'c, B: Read> AnswerPacket<'c, B> {
    /// Reads a packet.
    pub(crate) fn read(
        mut driver: ExchangeDriver<'c, ConnectionGuard<'c>, B>,
        mut exchange: Exchange,
        buffer: &'c mut Vec<u8>,
        address: &'c str,
        asked: Asked,
    ) -> Result<Self, ClientErrorKind> {
        make_room(buffer, INITIAL_BUFFER);
        let mut window = Window::default();
        let end = loop {
            if let Some(end) = packet_end(&window, buffer, asked)? {
                break end;
            }
            if window.filled == buffer.len() {
                make_room(buffer, buffer.len().saturating_mul(2));
            }
            let room = buffer.get_mut(window.filled..).unwrap_or_default();
            let count = driver.fill(&mut exchange, room).map_err(|error| ClientErrorKind::from_io(error, asked))?;
            window.filled = window.filled.saturating_add(count);
            window.eof = count == 0;
        };
        let (front, tail) = buffer.split_at_mut_checked(end).ok_or(ClientErrorKind::NoAnswer(asked))?;
        let (packet, _) = Packet::decode(front).map_err(malformed)?;
        window.filled = window.filled.saturating_sub(end);
        Ok(Self { packet, source: BufferedSource::new(driver, exchange, tail, window), address, asked })
    }

    /// Returns the error for a packet that does not answer the message.
    pub(crate) fn message_error(&self, error: MessageError) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::Message(error))
    }

    /// Returns the error for an answer that is a refusal.
    pub(crate) fn refused(&self) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::Refused(self.asked))
    }
}

impl<'c> AnswerPacket<'c, io::Empty> {
    /// Returns the value: `inline` from the packet, then `left` bytes after the packet.
    pub(crate) fn into_value(self, inline: &'c [u8], left: u64) -> Value<'c> {
        Value::new(self.source, inline, Some(left), self.address, self.asked)
    }
}

/// Returns where the packet ends, once all of it has come.
fn packet_end(window: &Window, buffer: &[u8], asked: Asked) -> Result<Option<usize>, ClientErrorKind> {
    match message_answer(window.bytes(buffer), window.eof) {
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
