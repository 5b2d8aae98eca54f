//! What the application of a case does, done with `uwsgi_server`.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use uwsgi::server::{AnswerError, Refusal};
use uwsgi_conformance::report::{self, report};
use uwsgi_conformance::{Act, App};
use uwsgi_server::{Answer, AppError, Body, Call, Head};

/// The application of a case.
#[derive(Debug)]
pub struct Application {
    app: App,
    chunked: bool,
    gate: Arc<Gate>,
}

/// What holds the requests for [`Gate::PATH`] until it is opened.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    open: bool,
}

impl Gate {
    /// The path of the requests that are held.
    pub const PATH: &str = "/held";

    fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.open));
    }

    /// Waits until so many requests are held.
    pub fn wait_for(&self, held: usize) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(state, |state| state.held < held));
    }

    pub fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        self.changed.notify_all();
    }
}

impl Application {
    /// The application that does this; the report says how the body is framed for a server that accepts chunks or does not.
    pub fn new(app: App, chunked: bool, gate: Arc<Gate>) -> Self {
        Self { app, chunked, gate }
    }
}

impl uwsgi_server::App for Application {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        if call.request().path_info() == Some(Gate::PATH.as_bytes()) {
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
                        let told = error.get_ref().and_then(|error| error.downcast_ref::<AnswerError>());
                        let too_long = matches!(told, Some(AnswerError::TooLong { .. }));
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

    /// Reads until there are so many bytes in all, or to the end.
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

/// Gives bytes in one piece, though they be none.
fn give(answer: &mut dyn Answer, bytes: &[u8]) -> io::Result<()> {
    if answer.write(bytes)? == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Gives a head; that another has left is no failure.
fn head(answer: &mut dyn Answer, status: u16, length: Option<u64>) -> Result<(), AppError> {
    let head = Head::new(status).with_reason("As Asked").with("Content-Type", "text/plain");
    let head = if let Some(length) = length { head.with_length(length) } else { head };
    match answer.head(head) {
        Err(error) if !answer.has_left() => Err(error.into()),
        _ => Ok(()),
    }
}
