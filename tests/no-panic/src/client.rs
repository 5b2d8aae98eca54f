//! The client side of a connection, and HTTP for both sides, without the functions that call memchr or httparse.

use uwsgi::chunked::{ChunkError, ChunkStep, Chunked};
use uwsgi::client::{BodyStep, Exchange, HeadStep, MessageStep, message_answer};
use uwsgi::framing::{ResponseFraming, response_framing};
use uwsgi::response::{EncodedHead, HeadLimits, RefusedLine, ResponseEncoder, ResponseHead};

proven! {
    fn chunked_step(chunked: &mut Chunked, got: &[u8]) -> Result<ChunkStep, ChunkError> {
        chunked.step(got)
    }

    fn exchange_new(to_head: bool, bytes: u32, lines: u16) -> Exchange {
        Exchange::new(to_head).with_limits(HeadLimits::default().with_bytes(bytes).with_lines(lines))
    }
    fn exchange_send(exchange: &mut Exchange, len: usize) -> (usize, u64) {
        (exchange.send(len), exchange.outgoing())
    }
    fn exchange_body(exchange: &mut Exchange, got: &[u8], eof: bool) -> BodyStep {
        exchange.body(got, eof)
    }
    fn exchange_allows_another(exchange: &Exchange, rest: &[u8]) -> bool {
        exchange.allows_another(rest)
    }

    fn message_answered(got: &[u8], eof: bool) -> MessageStep {
        message_answer(got, eof)
    }

    fn framing_response_body(head: &ResponseHead<'_>, to_head: bool) -> ResponseFraming {
        response_framing(head, to_head)
    }
    fn response_version<'a>(head: &ResponseHead<'a>) -> Option<&'a [u8]> {
        head.version()
    }
    fn response_parts<'a>(head: &ResponseHead<'a>) -> (u16, &'a [u8], Option<u64>, bool, bool, usize) {
        (head.status(), head.reason(), head.content_length(), head.is_chunked(), head.says_close(), head.len())
    }

    fn response_encoder<'b>(buffer: &'b mut [u8], status: u16, reason: &str, value: &[u8]) -> Result<EncodedHead<'b>, RefusedLine> {
        let mut head = ResponseEncoder::new(buffer, status, reason)?;
        head.push("X-A", value)?;
        head.push_length(u64::MAX)?;
        head.finish()
    }
    fn response_push(buffer: &mut [u8], name: &[u8], value: &[u8]) -> Result<(), RefusedLine> {
        ResponseEncoder::new(buffer, 200, "OK")?.push(name, value)
    }
}

pub(crate) fn run(bytes: &[u8]) {
    const ANSWERS: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Status: 404 Gone\r\n\r\n",
        b"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n",
    ];
    for answer in ANSWERS {
        let mut exchange = exchange_new(false, 65536, 256);
        let HeadStep::Head { end } = exchange.head(answer, false) else { continue };
        let Ok(head) = exchange.response(&answer[..end]) else { continue };
        call! {
            framing_response_body: &head, false;
            response_version: &head;
            response_parts: &head;
        }
        call! {
            exchange_send: &mut exchange, bytes.len();
            exchange_body: &mut exchange, b"5\r\nhello\r\n0\r\n\r\n", false;
            exchange_body: &mut exchange, bytes, false;
            exchange_body: &mut exchange, b"", true;
            exchange_allows_another: &exchange, bytes;
        }
    }
    let (mut chunked, mut buffer) = (Chunked::default(), [0; 128]);
    call! {
        message_answered: bytes, false;
        message_answered: bytes, true;
        message_answered: b"HTTP/1.1 501 ", false;
        chunked_step: &mut chunked, bytes;
        chunked_step: &mut chunked, b"5\r\nhello\r\n0\r\n\r\n";
        response_encoder: &mut buffer, 200, "OK", bytes;
        response_push: &mut buffer, b"Content-Length", bytes;
        response_push: &mut buffer, bytes, b"close";
    }
}
