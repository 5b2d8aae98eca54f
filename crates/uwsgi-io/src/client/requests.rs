//! Web requests of a client.

use std::io::{self, Read};
use std::time::Instant;

use uwsgi::client::{Exchange, FailedAttempt, declare_no_body, is_idempotent};
use uwsgi::response::ResponseHead;
use uwsgi::{Header, Packet, Request};

use crate::client::client::Client;
use crate::client::connect::{resend, start_sending};
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::response::Response;
use crate::client::response_reader::ResponseReader;
use crate::client::sending::Sending;
use crate::client::settings::Settings;
use crate::client::source::{INITIAL_BUFFER, Source};
use crate::transport::window::make_room;

impl Client {
    /// Sends a web request: a packet of vars, and as many bytes of `body` as its `CONTENT_LENGTH` says. Returns once the final
    /// head of the response has come. Skips interim responses (1xx).
    ///
    /// The client reads `body` in pieces, whenever the connection takes more of it, also while the caller reads the response.
    /// While a read of `body` blocks, nothing else happens. Bytes of `body` after the declared length are not read.
    ///
    /// A response with the status of an error or a redirect ends the sending. Any other response ends only after the whole
    /// request has left: if the rest of the request cannot leave, the last read of the response fails.
    ///
    /// # Errors
    ///
    /// [`ClientError`]: no response was received. A part of the request may have left.
    pub fn request<B: Read>(&mut self, packet: &[u8], body: B) -> Result<Response<'_, B>, ClientError> {
        self.request_with_interim(packet, body, |_| ())
    }

    /// Sends a web request like [`request`](Self::request), and calls `interim` with the head of each interim response (1xx).
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi::{Modifier1, VarsEncoder};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 25]).unwrap();
    /// #     stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").unwrap();
    /// # });
    /// # let mut buffer = Vec::new();
    /// # let mut vars = VarsEncoder::new(&mut buffer);
    /// # vars.push("REQUEST_METHOD", "GET")?;
    /// # let packet = vars.finish(Modifier1::WSGI, 0)?;
    /// let mut links = Vec::new();
    /// let response = client.request_with_interim(packet, std::io::empty(), |head| {
    ///     links.extend(head.header("Link").map(<[u8]>::to_vec));
    /// })?;
    /// assert_eq!((response.status(), links), (204, vec![b"</a.css>".to_vec()]));
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`request`](Self::request).
    pub fn request_with_interim<B: Read>(
        &mut self,
        packet: &[u8],
        body: B,
        interim: impl FnMut(&ResponseHead<'_>),
    ) -> Result<Response<'_, B>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (mut exchange, idempotent) = prepare(packet, settings, outgoing).map_err(failed)?;
        let start = Instant::now();
        let (mut driver, was_kept) =
            start_sending(address, settings, connection, outgoing, body, (start, Some(&mut exchange)))
                .map_err(failed)?;
        let mut filled = 0;
        if was_kept && settings.retries {
            make_room(incoming, INITIAL_BUFFER);
            filled = driver
                .fill(&mut exchange, incoming)
                .map_err(|error| failed(ClientErrorKind::from_io(error, Asked::Request)))?;
            let attempt = FailedAttempt {
                connection_was_kept: true,
                is_repeat: false,
                bytes_left: true,
                answer_began: filled > 0,
                body_is_there: driver.can_rewind(),
                idempotent,
                opted_in: settings.retries,
            };
            if attempt.may_be_repeated() {
                resend(address, settings, &mut driver, start).map_err(failed)?;
            }
        }
        let reader = ResponseReader::with_filled(driver, exchange, incoming, filled);
        Response::read(reader, address, (settings.keepalive, true), interim).map_err(failed)
    }

    /// Sends a web request whose body the caller writes.
    ///
    /// If a response comes before the whole body has left, the client reads at most 32 KiB of it before
    /// [`finish`](Sending::finish). If the server then waits until the client reads more, and takes no bytes meanwhile, the
    /// write times out. So for a server that sends back what it receives, use [`request`](Self::request).
    ///
    /// ```
    /// # use std::io::Read;
    /// use std::io::Write;
    /// # use uwsgi::{Modifier1, VarsEncoder};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     let mut got = [0; 32];
    /// #     stream.read_exact(&mut got).unwrap();
    /// #     assert!(got.ends_with(b"2 + 2 = 4"));
    /// #     stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    /// # });
    /// # let mut buffer = Vec::new();
    /// # let mut vars = VarsEncoder::new(&mut buffer);
    /// # vars.push("CONTENT_LENGTH", "9")?;
    /// # let packet = vars.finish(Modifier1::WSGI, 0)?;
    /// let mut sending = client.send(packet)?;
    /// write!(sending, "2 + 2 = {}", 2 + 2)?;
    /// assert_eq!(sending.finish()?.status(), 204);
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`request`](Self::request).
    pub fn send(&mut self, packet: &[u8]) -> Result<Sending<'_>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (exchange, _) = prepare(packet, settings, outgoing).map_err(failed)?;
        let (driver, _) = start_sending(address, settings, connection, outgoing, io::empty(), (Instant::now(), None))
            .map_err(failed)?;
        Ok(Sending::new(driver, exchange, incoming, address, settings.keepalive))
    }
}

/// Copies the packet of a web request into `outgoing`, if it is valid. Returns its exchange, and whether its method is
/// idempotent.
fn prepare(bytes: &[u8], settings: &Settings, outgoing: &mut Vec<u8>) -> Result<(Exchange, bool), ClientErrorKind> {
    let (packet, rest) = Packet::decode(bytes).map_err(ClientErrorKind::Decode)?;
    if !rest.is_empty() {
        return Err(ClientErrorKind::TrailingBytes { count: rest.len() });
    }
    let request = Request::decode(&packet).map_err(ClientErrorKind::Decode)?;
    let exchange = Exchange::of(&request).map_err(ClientErrorKind::Framing)?;
    outgoing.clear();
    outgoing.extend_from_slice(bytes);
    if let (true, Some((header, var))) = (settings.keepalive, declare_no_body(packet.header(), &request)) {
        outgoing.splice(..Header::LEN, header.to_bytes());
        outgoing.extend_from_slice(var);
    }
    Ok((exchange.with_limits(settings.head_limits), is_idempotent(request.method_or_get())))
}
