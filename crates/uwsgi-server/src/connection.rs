//! One connection, from its first byte to its close.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::io;
use std::panic::catch_unwind;
use std::time::Instant;

use tracing::field::display;
use uwsgi::server::{Cut, PEER_HAS_GONE, Refusal, Settings};
use uwsgi::{Modifier1, Packet};
use uwsgi_io::{Arrival, RequestBody, RequestReader, ResponseWriter, Transport};

use crate::access::{AccessLog, Entry};
use crate::app::{App, AppError, Call, Ends, Message, NotImplemented};
use crate::workers::{Queue, Workers, Working};

/// Serves one connection on this thread, to its end: what a server of one thread is made of, and what tests and fuzzers drive.
///
/// ```
/// use std::io::Write;
/// use uwsgi::server::Settings;
/// use uwsgi_io::Duplex;
/// use uwsgi_server::{Answer, App, AppError, Body, Call, Ends, Head, serve_connection};
///
/// struct Hello;
///
/// impl App for Hello {
///     fn call(&self, _: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
///         Ok(answer.whole(Head::new(200), b"hello")?)
///     }
/// }
///
/// let packet = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
/// let duplex = Duplex::new(&packet[..], Vec::new());
/// serve_connection(&duplex, &Hello, &Settings::default(), Ends::default())?;
/// assert!(duplex.into_inner().1.ends_with(b"\r\n\r\nhello"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The connection broke. What a peer does wrong is no error: it is answered.
pub fn serve_connection<T: Transport + Sync, A: App + ?Sized>(
    transport: &T,
    app: &A,
    settings: &Settings,
    ends: Ends,
) -> io::Result<()> {
    let workers = Workers::new(1);
    let house = House { app, settings, workers: &workers, access: None, read_ahead: (0, Duration::ZERO) };
    house.serve(transport, ends, &mut Vec::new())
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct House<'a, A: ?Sized> {
    pub(crate) app: &'a A,
    pub(crate) settings: &'a Settings,
    pub(crate) workers: &'a Workers,
    pub(crate) access: Option<&'a AccessLog>,
    /// How long a body may be that is read before its request waits for a permit, and for how long it is waited for.
    pub(crate) read_ahead: (usize, Duration),
}

impl<A: App + ?Sized> House<'_, A> {
    /// Serves a connection with a buffer that is used again.
    pub(crate) fn serve<T: Transport + Sync>(&self, transport: &T, ends: Ends, buffer: &mut Vec<u8>) -> io::Result<()> {
        let working = Working::new(transport, self.workers, self.settings.stop_grace, ends.peer);
        let reader = RequestReader::with_buffer(&working, *self.settings, core::mem::take(buffer));
        let mut reader = reader.reading_ahead(self.read_ahead.0, self.read_ahead.1);
        let served = self.serve_requests(&mut reader, &working, ends);
        *buffer = reader.into_buffer();
        served
    }

    fn serve_requests<T: Transport + Sync>(
        &self,
        reader: &mut RequestReader<'_, Working<'_, T>>,
        working: &Working<'_, T>,
        ends: Ends,
    ) -> io::Result<()> {
        loop {
            let answer = match reader.read_request()? {
                Arrival::Request { request, packet, mut body } => {
                    let call = Call::new(request, packet, ends, self.workers);
                    let begun = self.access.map(|_| Instant::now());
                    let mut answer = body.answer();
                    self.work(working, &mut answer, &mut body, (&packet, ends), |body, answer| {
                        self.app.call(&call, body, answer)
                    });
                    if let (Some(access), Some(begun)) = (self.access, begun) {
                        let is_gone = body.is_broken() && !answer.has_left();
                        let status = if is_gone { GONE } else { answer.status() };
                        say(|| access.log(&Entry::new(&call, status, answer.body_bytes(), begun.elapsed())));
                    }
                    answer
                }
                Arrival::Message { packet, mut body } => {
                    let message = Message::new(packet, ends);
                    let mut answer = body.answer_without_head();
                    self.work(working, &mut answer, &mut body, (&packet, ends), |body, answer| {
                        self.app.message(&message, body, answer)
                    });
                    answer
                }
                Arrival::Ping => return reader.pong(),
                Arrival::Refused(refusal) => {
                    tell(&refusal, ends);
                    return reader.refuse(&refusal);
                }
                Arrival::Close => return Ok(()),
            };
            let respond = answer.into_respond();
            if !reader.end(&respond)? {
                return Ok(());
            }
        }
    }

    /// Has the application work on an answer once there is a permit.
    fn work<'r, 't, T: Transport + Sync>(
        &self,
        working: &Working<'t, T>,
        answer: &mut ResponseWriter<'r, Working<'t, T>>,
        body: &mut RequestBody<'r, Working<'t, T>>,
        (packet, ends): (&Packet<'_>, Ends),
        app: impl FnOnce(
            &mut RequestBody<'r, Working<'t, T>>,
            &mut ResponseWriter<'r, Working<'t, T>>,
        ) -> Result<(), AppError>,
    ) {
        while !self
            .workers
            .take_within(Queue::New, || answer.deadline().map_or(Duration::MAX, |until| until.since(working.now())))
        {
            match answer.time() {
                Ok(None) => {}
                Ok(Some(refusal)) => return tell(&refusal, ends),
                Err(error) => return broke(answer, ends, &error),
            }
        }
        working.begin(packet);
        answer.started();
        let result = catch_unwind(AssertUnwindSafe(|| app(body, answer)));
        let finished = match result {
            Ok(Ok(())) => answer.finish().map_err(AppError::from),
            Ok(Err(error)) => Err(error),
            // The panic's own message was printed by the panic hook.
            Err(_) => Err("the application panicked".into()),
        };
        if let Err(error) = finished {
            fail(answer, body, (packet.modifier1(), ends), &error);
        }
        working.end();
    }
}

/// What the access log has for a request whose peer went before anything was answered, as nginx's does
/// (`NGX_HTTP_CLIENT_CLOSED_REQUEST`).
const GONE: u16 = 499;

/// Ends an answer that has failed.
fn fail<T: Transport>(
    answer: &mut ResponseWriter<'_, T>,
    body: &RequestBody<'_, T>,
    (modifier1, ends): (Modifier1, Ends),
    error: &AppError,
) {
    if let Some(cut) = answer.respond().cut() {
        return tell_cut(&cut, ends);
    }
    if let Some(refusal) = answer.failure() {
        return tell(&refusal, ends);
    }
    if answer.is_broken() || body.is_broken() {
        // The peer has gone: that is its right.
        return tracing::debug!("{PEER_HAS_GONE}: {error}");
    }
    let of_body = body.failure();
    let refusal = match of_body {
        None if error.is::<NotImplemented>() => {
            say(|| tracing::warn!("{error}"));
            Some(Refusal::Modifier1(modifier1))
        }
        None => {
            say(|| tracing::error!("the application failed: {error}"));
            None
        }
        refusal => refusal,
    };
    let failed = answer.fail(refusal);
    if let (Some(refusal), None) = (of_body, answer.respond().cut()) {
        tell(&refusal, ends);
    }
    match (failed, answer.respond().cut()) {
        (Err(error), _) => broke(answer, ends, &error),
        (Ok(_), Some(cut)) => tell_cut(&cut, ends),
        (Ok(_), None) => {}
    }
}

/// An answer could not be written: says so, and louder where it is a limit of the server's that has ended it.
fn broke<T: Transport>(answer: &ResponseWriter<'_, T>, ends: Ends, error: &io::Error) {
    match answer.respond().cut() {
        Some(cut) => tell_cut(&cut, ends),
        None => tracing::debug!("the answer could not be written: {error}"),
    }
}

/// Logs what has cut an answer off, and who lost by it.
fn tell_cut(cut: &Cut, ends: Ends) {
    let peer = ends.peer.map(display);
    say(|| tracing::warn!(peer, "{cut}"));
}

/// Logs a refusal, and who was refused.
pub(crate) fn tell(refusal: &Refusal, ends: Ends) {
    let peer = ends.peer.map(display);
    say(|| tracing::warn!(peer, status = refusal.status(), "refused: {refusal}"));
}

/// Does what says something. A log that panics, because its disk is full, say, costs nobody an answer.
pub(crate) fn say(what: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(what));
}
