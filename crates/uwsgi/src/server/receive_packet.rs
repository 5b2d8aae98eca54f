//! The part of the receiving half that reads packets: the bytes before a packet, its header and its block.

use crate::cgi::request::Request;
use crate::http::body_framing::RequestFraming;
use crate::http::chunked::Chunked;
use crate::http::remaining_length::Declared;
use crate::server::body_clock::BodyClock;
use crate::server::checks::{check_header, decode_request, is_message};
use crate::server::receive::{Announced, Phase, Receive};
use crate::server::receive_step::HeadStep;
use crate::server::refusal::Refusal;
use crate::time::{Due, Time};
use crate::wire::header::Header;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

impl Receive {
    /// Looks for a packet at the start of `got`, which is all bytes that were read and not used. `eof` says that no more bytes
    /// will come.
    pub fn head(&mut self, got: &[u8], eof: bool, now: Time) -> HeadStep {
        let begun = match self.phase {
            Phase::Begun(begun) => begun,
            Phase::Idle(since) if got.is_empty() => return self.wait_for_first_byte(since, eof, now),
            Phase::Idle(_) => now,
            Phase::Rest(rest, until) => return self.pass_over(rest, until, (got, eof), now),
            Phase::Closed => return HeadStep::Close,
            _ => return HeadStep::Refuse(self.out_of_order()),
        };
        self.phase = Phase::Begun(begun);
        let Some(header) = got.first_chunk() else {
            return self.wait_for_packet(Header::LEN.saturating_sub(got.len()), begun, eof, now);
        };
        let header = Header::from_bytes(*header);
        if let Err(refusal) = check_header(&self.settings, &header, got) {
            return self.refuse(refusal);
        }
        let end = usize::from(header.datasize).saturating_add(Header::LEN);
        if got.len() < end {
            return self.wait_for_packet(end.saturating_sub(got.len()), begun, eof, now);
        }
        let (announced, step) = if header.modifier1 == Modifier1::PING {
            (Announced::Ping, HeadStep::Pong { end })
        } else if is_message(&header) {
            (Announced::Message(end), HeadStep::Message { end })
        } else {
            (Announced::Request(end), HeadStep::Head { end })
        };
        self.phase = Phase::Announced(announced);
        step
    }

    /// Decodes the packet that [`head`](Self::head) announced, and makes every check that comes before the application.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: write its response, half-close, drain and close.
    pub fn request<'b>(&mut self, head: &'b [u8]) -> Result<Request<'b>, Refusal> {
        self.expect(Announced::Request(head.len()))?;
        match decode_request(&self.settings, head, &mut self.facts) {
            Ok((request, body)) => {
                self.clock = BodyClock::new();
                self.facts.has_length = matches!(body, RequestFraming::Length(_));
                self.phase = match body {
                    RequestFraming::Length(0) => Phase::Read { declared: self.facts.allows_keepalive },
                    RequestFraming::Length(length) => Phase::Length(Declared::new(length)),
                    RequestFraming::Chunked => Phase::Chunked(Chunked::default()),
                    RequestFraming::None => Phase::Read { declared: false },
                };
                Ok(request)
            }
            Err(refusal) => {
                self.phase = Phase::Failed(refusal);
                Err(refusal)
            }
        }
    }

    /// Decodes a packet that is not a web request, of a kind that the settings accept.
    ///
    /// All bytes that follow it belong to it, to the end of the stream, and [`body`](Self::body) gives them. The limits on the
    /// idle time and the rate of a body hold for them too. The application's answer is written without a head.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: write its response, half-close, drain and close.
    pub fn message<'b>(&mut self, head: &'b [u8]) -> Result<Packet<'b>, Refusal> {
        self.expect(Announced::Message(head.len()))?;
        match Packet::decode_with(head, &self.settings.limits) {
            Ok((packet, _)) => {
                self.clock = BodyClock::new();
                self.phase = Phase::Message;
                Ok(packet)
            }
            Err(error) => {
                self.phase = Phase::Failed(Refusal::Decode(error));
                Err(Refusal::Decode(error))
            }
        }
    }

    /// Skips the rest of a body whose answer has left. It is not an error if the rest does not come.
    fn pass_over(&mut self, rest: Declared, until: Time, (got, eof): (&[u8], bool), now: Time) -> HeadStep {
        let (count, left) = rest.take(got.len());
        let late = now >= until || self.stop.is_some_and(|stop| now >= stop);
        if count == 0 && (eof || late) {
            self.phase = Phase::Closed;
            return HeadStep::Close;
        }
        self.phase = if left.left() == 0 { Phase::Idle(now) } else { Phase::Rest(left, until) };
        if count == 0 { HeadStep::Need(rest.needed()) } else { HeadStep::Skip { count } }
    }

    /// Waits for the first byte of a packet. It is not an error if none comes.
    fn wait_for_first_byte(&mut self, since: Time, eof: bool, now: Time) -> HeadStep {
        if eof || self.is_stopping() || now >= since.after(self.idle_time()) {
            self.phase = Phase::Closed;
            HeadStep::Close
        } else {
            HeadStep::Need(Header::LEN)
        }
    }

    /// Waits for more of a header or a block.
    fn wait_for_packet(&mut self, more: usize, begun: Time, eof: bool, now: Time) -> HeadStep {
        if eof {
            return self.refuse(Refusal::EndOfStream);
        }
        match Due::of(Some(begun.after(self.settings.header_timeout)), self.stop, now) {
            Due::Own => self.refuse(Refusal::HeaderTimeout),
            Due::Stop => self.refuse(Refusal::Stopping),
            Due::Nothing => HeadStep::Need(more),
        }
    }

    /// Refuses a packet other than the one that was announced.
    fn expect(&mut self, announced: Announced) -> Result<(), Refusal> {
        match self.phase {
            Phase::Announced(other) if other == announced => Ok(()),
            _ => Err(self.out_of_order()),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> HeadStep {
        self.phase = Phase::Failed(refusal);
        HeadStep::Refuse(refusal)
    }
}
