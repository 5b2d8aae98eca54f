//! The application of the conformance cases for `uwsgi_server`, and a server that runs it.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::Duration;

use uwsgi::Address;
use uwsgi::server::{AnswerError, Refusal};
use uwsgi_conformance::report::{self, report};
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Act, App, Case};
use uwsgi_server::{Answer, AppError, Body, Call, Head, Listener};

use super::endpoint::{Stop, socket_path};
use super::{Gate, SocketKind};

/// Starts the server that a case needs, on a thread.
pub(super) fn start(case: &Case, socket: SocketKind, gate: &Arc<Gate>) -> io::Result<(Server, Stop)> {
    let needs = &case.needs;
    let allow = needs.allow_list().map_err(io::Error::other)?;
    let server = uwsgi_server::Server::new(Application::new(case.app, needs.chunked, Arc::clone(gate)))?
        .with_settings(needs.settings())
        .with_allow_list(allow)
        .with_max_connections(needs.most_connections)
        // Cases that depend on a free worker run with one worker. Otherwise many cases share the server.
        .with_workers(if needs.busy > 0 { 1 } else { 64 });
    let bind = |address: &str| Listener::bind(Address::Tcp(address.parse().map_err(io::Error::other)?));
    let server = server.listen(match socket {
        SocketKind::Tcp => bind("127.0.0.1:0")?,
        SocketKind::Both => bind("[::]:0")?,
        SocketKind::Unix => Listener::bind(Address::Unix(socket_path().to_str().expect("a path that is text")))?,
    });
    let at = match (server.local_addr(), server.listeners().first()) {
        (Some(local), _) => Server::tcp(SocketAddr::from(([127, 0, 0, 1], local.port()))),
        (None, Some(listener)) => Server::unix(PathBuf::from(listener.to_string())),
        (None, None) => unreachable!("the server has a listener"),
    };
    let handle = server.handle();
    thread::spawn(move || server.run());
    Ok((at, Box::new(move || handle.stop())))
}

/// The application of a case.
#[derive(Debug)]
pub struct Application {
    app: App,
    chunked: bool,
    gate: Arc<Gate>,
}

impl Application {
    /// Creates the application of a case. With `chunked`, the report of the application says how a server that accepts chunked
    /// bodies frames the body.
    pub fn new(app: App, chunked: bool, gate: Arc<Gate>) -> Self {
        Self { app, chunked, gate }
    }
}

impl uwsgi_server::App for Application {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        if call.request().target().path().as_bytes() == Some(Gate::PATH.as_bytes()) {
            self.gate.pass();
            return Ok(answer.whole(Head::new(200), b"")?);
        }
        let packet = [&call.packet().header().to_bytes()[..], call.packet().payload()].concat();
        Acting { application: self, packet, read: report::Body::default(), text: String::new() }.act(body, answer)
    }
}

/// One request under way.
struct Acting<'a> {
    application: &'a Application,
    packet: Vec<u8>,
    read: report::Body,
    text: String,
}

impl Acting<'_> {
    fn act(mut self, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        for act in self.application.app.acts() {
            match act {
                Act::Fail => return Err("as asked".into()),
                Act::Give(count) => {
                    if let Err(error) = give(answer, &vec![b'a'; count]) {
                        let cause = error.get_ref().and_then(|error| error.downcast_ref::<AnswerError>());
                        let too_long = matches!(cause, Some(AnswerError::TooLong { .. }));
                        return if too_long && !self.application.app.fails_when_cut() {
                            Ok(())
                        } else {
                            Err(error.into())
                        };
                    }
                }
                Act::GiveReport => give(answer, self.text.as_bytes())?,
                Act::GiveReportInPieces => {
                    for byte in self.text.bytes() {
                        [&[][..], &[byte], &[]].into_iter().try_for_each(|piece| give(answer, piece))?;
                    }
                }
                Act::Head(status, length) => head(answer, status, length)?,
                // Simulated work.
                Act::Pause(millis) => sleep(Duration::from_millis(millis)),
                Act::Read(count) => self.read(body, count)?,
                Act::ReadAgain => {
                    let before = self.read.bytes.len();
                    self.read(body, usize::MAX)?;
                    self.read.again = Some(self.read.bytes.len() - before);
                }
                Act::ReportHead { length } => {
                    self.text = report(&self.packet, self.application.chunked, &self.read);
                    head(answer, 200, length.then_some(self.text.len() as u64))?;
                }
                act => return Err(format!("{act:?} is an act that this application does not know").into()),
            }
        }
        Ok(())
    }

    /// Reads until there are `count` bytes in all, or to the end.
    fn read(&mut self, body: &mut dyn Body, count: usize) -> Result<(), AppError> {
        let wanted = count.saturating_sub(self.read.bytes.len()) as u64;
        match body.take(wanted).read_to_end(&mut self.read.bytes) {
            Ok(_) => Ok(()),
            Err(error) if self.application.app.takes_read_errors() => {
                let refusal = error.get_ref().and_then(|error| error.downcast_ref::<Refusal>());
                self.read.error = Some(*refusal.ok_or("a read failed without a reason")?);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Gives bytes in one piece, which may be empty.
fn give(answer: &mut dyn Answer, bytes: &[u8]) -> io::Result<()> {
    if answer.write(bytes)? == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Gives a head. If another head has left already, that is no failure.
fn head(answer: &mut dyn Answer, status: u16, length: Option<u64>) -> Result<(), AppError> {
    let head = Head::new(status).with("Content-Type", "text/plain");
    let head = if let Some(length) = length { head.with_length(length) } else { head };
    match answer.head(head) {
        Err(error) if !answer.has_left() => Err(error.into()),
        _ => Ok(()),
    }
}
