//! Decodes a request, encodes a packet and runs both sides of a connection without std, without an allocator and without an
//! operating system.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use uwsgi::Time;
#[cfg(feature = "client")]
use uwsgi::client::{self, Exchange};
use uwsgi::framing::RequestFraming;
use uwsgi::response::{RefusedLine, ResponseEncoder};
use uwsgi::server::{BodyStep, Ending, HeadStep, Receive, Respond, Settings};
use uwsgi::{Limits, Modifier1, Packet, Request, Scheme, VarsEncoder};

/// The bytes that came in, for example over a serial line.
static REQUEST: [u8; 100] = *b"\x00\x5b\x00\x00\x0e\x00REQUEST_METHOD\x04\x00POST\x09\x00PATH_INFO\x02\x00/a\
\x0e\x00CONTENT_LENGTH\x01\x005\x09\x00HTTP_HOST\x0b\x00example.com\x05\x00HTTPS\x02\x00onhello";

/// Why a device cannot go on with a request.
enum Stop {
    Decode,
    Encode,
    Framing,
    Refused,
}

impl From<uwsgi::DecodeError> for Stop {
    fn from(_: uwsgi::DecodeError) -> Self {
        Self::Decode
    }
}

impl From<uwsgi::EncodeError> for Stop {
    fn from(_: uwsgi::EncodeError) -> Self {
        Self::Encode
    }
}

impl From<uwsgi::framing::FramingError> for Stop {
    fn from(_: uwsgi::framing::FramingError) -> Self {
        Self::Framing
    }
}

impl From<RefusedLine> for Stop {
    fn from(_: RefusedLine) -> Self {
        Self::Refused
    }
}

/// The entry point of the program.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut buffer = [0; 256];
    // The compiler must not know the bytes: it would decode them itself.
    let outcome = match forward(black_box(&REQUEST), &mut buffer) {
        Ok(packet) => packet.len(),
        Err(Stop::Decode) => 1,
        Err(Stop::Encode) => 2,
        Err(Stop::Framing) => 3,
        Err(Stop::Refused) => 4,
    };
    black_box(outcome);
    if let Ok(answer) = answer(black_box(&REQUEST), &mut buffer) {
        #[cfg(feature = "client")]
        black_box(read(black_box(answer)));
        black_box(answer.len());
    }
    #[cfg(feature = "control")]
    black_box(REQUEST[black_box(0)]);
    loop {
        core::hint::spin_loop();
    }
}

/// Reads a request and writes the packet that a proxy would send on.
fn forward<'b>(bytes: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Stop> {
    let (packet, body) = Packet::decode_with(bytes, &Limits::server().with_datasize(4096))?;
    let request = Request::decode_with(&packet, &Limits::server())?;
    let length = match request.body_framing()? {
        RequestFraming::Length(length) => length,
        _ => 0,
    };
    let target = request.target();
    black_box((target.as_bytes(), target.bytes().count(), request.vars().get("HTTP_COOKIE"), body));

    let mut vars = VarsEncoder::new(buffer);
    vars.push("REQUEST_METHOD", request.method().unwrap_or(b"GET"))?;
    vars.push("REQUEST_SCHEME", request.scheme().as_str())?;
    vars.push_number("CONTENT_LENGTH", length)?;
    for (name, value) in request.headers() {
        // One header that cannot be passed on does not stop the others.
        let _left_out = vars.push_header(name.as_bytes(), value);
    }
    vars.push_header("X-Forwarded-Proto", if request.scheme() == Scheme::Https { "https" } else { "http" })?;
    Ok(vars.finish(Modifier1::WSGI, 0)?)
}

/// Serves the request. The application answers before it reads the body.
fn answer<'b>(bytes: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Stop> {
    let now = Time::from_millis(1);
    let mut receive = Receive::new(Settings::default(), now);
    let HeadStep::Head { end } = receive.head(bytes, true, now) else { return Err(Stop::Refused) };
    let (head, body) = bytes.split_at_checked(end).ok_or(Stop::Refused)?;
    receive.request(head).map_err(|_| Stop::Refused)?;
    let BodyStep::Body { skip: 0, take } = receive.body(body, true, now) else { return Err(Stop::Refused) };

    let mut respond = Respond::queued(&receive, now);
    respond.started();
    let mut lines = ResponseEncoder::new(buffer, 200, "OK")?;
    lines.push("Content-Type", "text/plain")?;
    lines.push_length(0)?;
    let written = lines.finish()?;
    respond.head(&written);
    let whole = respond.finished().is_ok_and(|leaves| leaves.head);
    black_box((take, receive.deadline(), respond.deadline(), respond.time(now)));
    match Ending::of(receive, &respond, now) {
        Ending::HalfClose(_) if whole => Ok(written.as_bytes()),
        _ => Err(Stop::Refused),
    }
}

/// Reads the answer as a client does.
#[cfg(feature = "client")]
fn read(bytes: &[u8]) -> bool {
    let mut exchange = Exchange::new(false);
    let client::HeadStep::Head { end } = exchange.head(bytes, true) else { return false };
    let Some((head, body)) = bytes.split_at_checked(end) else { return false };
    let Ok(head) = exchange.response(head) else { return false };
    black_box((head.status(), head.headers().count()));
    exchange.body(body, true) == client::BodyStep::End { skip: 0 } && exchange.allows_another(body)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
