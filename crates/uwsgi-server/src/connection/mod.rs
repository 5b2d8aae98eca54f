//! One connection, from its first byte to its close.

mod state;
mod transport;

use core::ops::Deref;
use core::sync::atomic::AtomicBool;
use core::time::Duration;
use std::io;
use std::sync::Mutex;
use std::time::Instant;

use uwsgi::Modifier1;
use uwsgi::server::{Admission, PEER_HAS_GONE, Refusal, Settings};
use uwsgi_io::{Addresses, Arrival, RequestBody, RequestReader, ResponseWriter, Socket, Transport};

use crate::access_log::{AccessLog, Entry};
use crate::app::{App, AppError, Call, Message, NotImplemented};
use crate::lock::lock;
use crate::log::{catch_panic, log_cut, log_refusal};
use crate::stop::Stop;
use crate::workers::{Priority, Workers};
use transport::ConnectionTransport;

pub(crate) use state::{ConnectionState, list_requests};

/// Serves one connection on this thread until the connection ends. Use it for a server with one thread, and for tests.
///
/// ```
/// use std::io::Write;
/// use uwsgi::server::Settings;
/// use uwsgi_io::Duplex;
/// use uwsgi_server::{Addresses, Answer, App, AppError, Body, Call, Head, serve_connection};
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
/// serve_connection(&duplex, &Hello, &Settings::default(), Addresses::default())?;
/// assert!(duplex.into_inner().1.ends_with(b"\r\n\r\nhello"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The connection broke. A fault of the peer is not an error: the peer gets a response.
pub fn serve_connection<T: Transport + Sync, A: App + ?Sized>(
    transport: &T,
    app: &A,
    settings: &Settings,
    addresses: Addresses,
) -> io::Result<()> {
    let context = ConnectionContext::new(app, *settings, 1, (0, Duration::ZERO));
    context.serve(transport, None, (addresses, Admission::Serve), &Mutex::default(), &mut Vec::new())
}

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct ConnectionContext<A> {
    /// A reference to the application, or an `Arc` of it.
    pub(crate) app: A,
    pub(crate) settings: Settings,
    pub(crate) workers: Workers,
    pub(crate) access_log: Option<AccessLog>,
    /// The server reads a body of at most this many bytes, for at most this long, before its request waits for a permit.
    read_ahead: (usize, Duration),
}

impl<A: Deref<Target: App>> ConnectionContext<A> {
    pub(crate) fn new(app: A, settings: Settings, workers: usize, read_ahead: (usize, Duration)) -> Self {
        Self { app, settings, workers: Workers::new(workers), access_log: None, read_ahead }
    }

    /// Serves a connection until it ends, or refuses it. `stop` is the transport as a socket, and the stop of the server.
    /// `state` shows what the connection is doing. `buffer` can be used again for the next connection.
    pub(crate) fn serve<T: Transport + Sync>(
        &self,
        transport: &T,
        stop: Option<(&Socket, &Stop)>,
        (addresses, admission): (Addresses, Admission),
        state: &Mutex<ConnectionState>,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        let transport = ConnectionTransport {
            transport,
            stop,
            workers: &self.workers,
            stop_grace: self.settings.stop_grace,
            addresses,
            state,
            taking_permit_back: Mutex::default(),
            is_stop_known: AtomicBool::new(false),
        };
        let reader = RequestReader::with_buffer(&transport, self.settings, core::mem::take(buffer));
        let mut reader = reader.reading_ahead(self.read_ahead.0, self.read_ahead.1);
        let served = self.serve_requests(&mut reader, &transport, admission);
        *buffer = reader.into_buffer();
        served
    }

    /// Serves one request after the other, for as long as the connection is kept.
    fn serve_requests<'t, T: Transport + Sync>(
        &self,
        reader: &mut RequestReader<'t, ConnectionTransport<'t, T>>,
        transport: &ConnectionTransport<'t, T>,
        admission: Admission,
    ) -> io::Result<()> {
        let addresses = transport.addresses;
        loop {
            let arrival = match admission {
                Admission::Serve => reader.read_request()?,
                Admission::Refuse(refusal) | Admission::RefuseWithoutWaiting(refusal) => Arrival::Refused(refusal),
            };
            let (packet, mut answer, mut body, call) = match arrival {
                Arrival::Request { request, packet, body } => {
                    (packet, body.answer(), body, Some(Call { request, packet, addresses, workers: &self.workers }))
                }
                Arrival::Message { packet, body } => (packet, body.answer_without_head(), body, None),
                Arrival::Ping => return reader.pong(),
                Arrival::Refused(refusal) => {
                    log_refusal(&refusal, addresses.peer);
                    return reader.refuse(&refusal);
                }
                Arrival::Close => return Ok(()),
            };
            let begun = Instant::now();
            let finished = self.wait_for_permit(transport, &mut answer).and_then(|()| {
                lock(transport.state).begin(&packet);
                answer.started();
                let called = catch_panic(|| match &call {
                    Some(call) => self.app.call(call, &mut body, &mut answer),
                    None => self.app.message(&Message { packet, addresses }, &mut body, &mut answer),
                });
                // The panic hook has printed the panic's own message.
                called.unwrap_or_else(|| Err("the application panicked".into()))?;
                Ok(answer.finish()?)
            });
            if let Err(error) = finished {
                fail(&mut answer, &body, &error, packet.modifier1(), addresses);
            }
            transport.end_request();
            if let (Some(access_log), Some(call)) = (&self.access_log, &call) {
                let has_gone = body.is_broken() && !answer.has_left();
                let status = if has_gone { Entry::CLIENT_CLOSED_REQUEST } else { answer.status() };
                let entry = Entry::new(&call.request, addresses, status, answer.body_bytes(), begun.elapsed());
                catch_panic(|| access_log.log(&entry));
            }
            let respond = answer.into_respond();
            let is_kept = reader.end(&respond)?;
            if !is_kept {
                return Ok(());
            }
        }
    }

    /// Waits for a permit. If that takes too long, writes a refusal and returns it as the error.
    fn wait_for_permit<T: Transport>(
        &self,
        transport: &ConnectionTransport<'_, T>,
        answer: &mut ResponseWriter<'_, ConnectionTransport<'_, T>>,
    ) -> Result<(), AppError> {
        while !self.workers.acquire(Priority::New, || {
            answer.deadline().map_or(Duration::MAX, |deadline| deadline.since(transport.now()))
        }) {
            if let Some(refusal) = answer.time()? {
                return Err(refusal.into());
            }
        }
        Ok(())
    }
}

/// Ends a response that has failed, and logs the reason. If no byte has left, the peer gets a refusal instead. Otherwise the
/// server resets the connection.
fn fail<T: Transport>(
    answer: &mut ResponseWriter<'_, T>,
    body: &RequestBody<'_, T>,
    error: &AppError,
    modifier1: Modifier1,
    addresses: Addresses,
) {
    let has_ended = answer.respond().cut().is_some() || answer.failure().is_some();
    let has_gone = answer.is_broken() || body.is_broken();
    if !has_ended && !has_gone {
        let refusal = body.failure().or_else(|| {
            if error.is::<NotImplemented>() {
                catch_panic(|| tracing::warn!("{error}"));
                return Some(Refusal::Modifier1(modifier1));
            }
            catch_panic(|| tracing::error!("the application failed: {error:#}"));
            None
        });
        if let (Err(error), None) = (answer.fail(refusal), answer.respond().cut()) {
            tracing::debug!("the answer could not be written: {error}");
        }
    }
    match (answer.respond().cut(), answer.failure().or(body.failure())) {
        (Some(cut), _) => log_cut(&cut, addresses.peer),
        // A peer may close its connection at any time.
        (None, _) if has_gone && !has_ended => tracing::debug!("{PEER_HAS_GONE}: {error:#}"),
        (None, Some(refusal)) => log_refusal(&refusal, addresses.peer),
        (None, None) => {}
    }
}
