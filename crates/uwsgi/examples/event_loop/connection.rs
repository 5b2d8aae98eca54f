//! One connection: it calls the machines with bytes and a time, and does what they say.

use core::mem;
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

use socket2::Socket;
use uwsgi::server::{
    AnswerError, Drain, DrainStep, Ending, Failure, HeadStep, Receive, Refusal, Respond, Settings, TimeStep,
};
use uwsgi::{Modifier1, Time};

use super::buffers::{Buffers, Wrote};
use super::call::{Application, Call, Progress, Waits};
use super::options::Options;

/// A connection.
pub(crate) struct Connection {
    buffers: Buffers,
    stage: Stage,
    /// When a stop began.
    stop: Option<Time>,
}

/// Where a connection is.
enum Stage {
    /// Before the end of a packet.
    Head(Box<Receive>),
    /// A request waits for a free place, or an application answers it.
    Request(Box<Request>),
    /// The answer is complete, and the rest of it leaves.
    Leaving(Box<(Receive, Respond)>),
    /// The sending direction is closed.
    Drain(Drain),
    /// The connection is over.
    Over,
}

struct Request {
    receive: Receive,
    respond: Respond,
    application: Box<dyn Application>,
    /// Whether the application has a place to run.
    is_running: bool,
    head: Vec<u8>,
    waits: Waits,
}

/// What the event loop waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Interest {
    /// Until bytes come.
    pub(super) read: bool,
    /// Until the peer takes bytes.
    pub(super) write: bool,
}

/// What follows a step.
enum Turn {
    /// This stage, which can go on at once.
    Go(Stage),
    /// This stage, which waits for bytes.
    WaitForBytes(Stage),
    /// This stage, which waits for something else: that its answer leaves, for a time, or for a free place.
    Wait(Stage),
}

/// How often a connection goes on before other connections have a turn.
const TURNS: usize = 32;

impl Connection {
    /// Begins to serve a connection.
    pub(super) fn new(socket: Socket, settings: Settings, now: Time) -> Self {
        let stage = Stage::Head(Box::new(Receive::new(settings, now)));
        Self { buffers: Buffers::new(socket), stage, stop: None }
    }

    /// Begins a connection that is only refused.
    pub(super) fn refused(socket: Socket, options: &Options, refusal: &Refusal, now: Time) -> Self {
        let mut connection = Self::new(socket, options.settings, now);
        connection.stage = connection.refuse(Receive::new(options.settings, now), refusal, now, options);
        connection
    }

    /// Returns the socket, to wait for it.
    pub(super) const fn socket(&self) -> &Socket {
        &self.buffers.socket
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Whether a request waits for a free place.
    pub(super) fn is_queued(&self) -> bool {
        matches!(&self.stage, Stage::Request(request) if !request.is_running)
    }

    /// Whether an application answers a request.
    pub(super) fn is_running(&self) -> bool {
        matches!(&self.stage, Stage::Request(request) if request.is_running)
    }

    /// Lets the application of the request that waits run.
    pub(super) fn start(&mut self) {
        if let Stage::Request(request) = &mut self.stage {
            request.respond.started();
            request.is_running = true;
        }
    }

    /// Begins a stop.
    pub(super) fn shut_down(&mut self, now: Time) {
        self.stop = Some(now);
        match &mut self.stage {
            Stage::Head(receive) => receive.shut_down(now),
            Stage::Request(request) => {
                request.receive.shut_down(now);
                request.respond.shut_down(now);
            }
            Stage::Leaving(leaving) => {
                leaving.0.shut_down(now);
                leaving.1.shut_down(now);
            }
            Stage::Drain(_) | Stage::Over => {}
        }
    }

    /// Returns when to call [`advance`](Self::advance) even if the socket is not ready.
    pub(super) fn deadline(&self) -> Option<Time> {
        let deadlines = match &self.stage {
            Stage::Head(receive) => [receive.deadline(), None, None],
            Stage::Request(request) => {
                let body = request.receive.deadline().filter(|_| request.waits.for_body);
                [request.respond.deadline(), body, request.waits.until]
            }
            Stage::Leaving(leaving) => [leaving.1.deadline(), None, None],
            Stage::Drain(drain) => [Some(drain.deadline()), None, None],
            Stage::Over => [None, None, None],
        };
        deadlines.into_iter().flatten().min()
    }

    /// Does what the socket and the time allow. Returns what to wait for.
    pub(super) fn advance(&mut self, now: Time, options: &Options) -> Interest {
        self.try_advance(now, options).unwrap_or_else(|_| {
            // The peer has gone, so nothing can be said to it.
            self.stage = Stage::Over;
            Interest::default()
        })
    }

    fn try_advance(&mut self, now: Time, options: &Options) -> io::Result<Interest> {
        // Bytes that came and room that is there are not too late. So this moves bytes before a machine looks at the time.
        if self.waits_for_bytes() {
            self.buffers.fill()?;
        }
        self.write(now)?;
        for _ in 0..TURNS {
            let turn = match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Head(receive) => self.head(*receive, now, options),
                Stage::Request(request) => self.request(request, now, options),
                Stage::Leaving(leaving) => self.leave(*leaving, now, options)?,
                Stage::Drain(drain) => self.drain(drain, now),
                Stage::Over => return Ok(Interest::default()),
            };
            let (stage, read) = match turn {
                Turn::Go(stage) => {
                    self.stage = stage;
                    continue;
                }
                Turn::WaitForBytes(stage) => (stage, true),
                Turn::Wait(stage) => (stage, false),
            };
            self.stage = stage;
            // Bytes that left make room for more of the answer.
            let has_progress = self.write(now)? || (read && self.buffers.fill()?);
            if !has_progress {
                return Ok(Interest { read: read && !self.buffers.is_ended(), write: self.buffers.has_output() });
            }
        }
        // More can be done: both come back at once if the socket is ready.
        Ok(Interest { read: self.waits_for_bytes(), write: true })
    }

    fn waits_for_bytes(&self) -> bool {
        match &self.stage {
            Stage::Head(_) | Stage::Drain(_) => true,
            Stage::Request(request) => request.waits.for_body,
            Stage::Leaving(_) | Stage::Over => false,
        }
    }

    /// Writes what the peer takes. Returns whether it took something.
    fn write(&mut self, now: Time) -> io::Result<bool> {
        let mut has_left = false;
        loop {
            let wrote = self.buffers.write()?;
            let respond = match &mut self.stage {
                Stage::Request(request) => Some(&mut request.respond),
                Stage::Leaving(leaving) => Some(&mut leaving.1),
                Stage::Head(_) | Stage::Drain(_) | Stage::Over => None,
            };
            match (wrote, respond) {
                (Wrote::Some(of_body), Some(respond)) => respond.wrote(of_body),
                (Wrote::Blocked, Some(respond)) => respond.blocked(now),
                _ => {}
            }
            match wrote {
                Wrote::Some(_) => has_left = true,
                Wrote::Blocked | Wrote::Nothing => return Ok(has_left),
            }
        }
    }

    fn head(&mut self, mut receive: Receive, now: Time, options: &Options) -> Turn {
        match receive.head(self.buffers.input(), self.buffers.is_ended(), now) {
            HeadStep::Need(_) => Turn::WaitForBytes(Stage::Head(Box::new(receive))),
            HeadStep::Head { end } => {
                let packet = self.buffers.take(end);
                match receive.request(&packet) {
                    Ok(request) => {
                        let application = (options.application)(&packet, &request);
                        Turn::Go(Stage::Request(Box::new(Request::queued(receive, application, now))))
                    }
                    Err(refusal) => Turn::Go(self.refuse(receive, &refusal, now, options)),
                }
            }
            HeadStep::Pong { end } => {
                self.buffers.consume(end);
                self.buffers.push_head(&Receive::PONG);
                let respond = Respond::refusing(&receive, now);
                Turn::Go(Stage::Leaving(Box::new((receive, respond))))
            }
            HeadStep::Skip { count } => {
                self.buffers.consume(count);
                Turn::Go(Stage::Head(Box::new(receive)))
            }
            HeadStep::Refuse(refusal) => Turn::Go(self.refuse(receive, &refusal, now, options)),
            // No application of this server answers messages.
            HeadStep::Message { .. } => {
                let modifier1 = Modifier1(self.buffers.input().first().copied().unwrap_or_default());
                Turn::Go(self.refuse(receive, &Refusal::Modifier1(modifier1), now, options))
            }
            HeadStep::Close => Turn::Go(Stage::Over),
        }
    }

    fn request(&mut self, mut request: Box<Request>, now: Time, options: &Options) -> Turn {
        match request.respond.time(now) {
            TimeStep::Abort => return abort(&self.buffers, &request.respond, options),
            TimeStep::Refuse(refusal) => return self.answer_with(*request, &refusal, options),
            TimeStep::Wait => {}
        }
        if !request.is_running {
            return Turn::Wait(Stage::Request(request));
        }
        let Request { receive, respond, application, head, waits, .. } = &mut *request;
        let was_reading = mem::take(&mut waits.for_body);
        waits.until = None;
        let mut call = Call { receive, respond, buffers: &mut self.buffers, head, waits, now };
        // A panic ends one request, and not the server.
        let progress = catch_unwind(AssertUnwindSafe(|| application.poll(&mut call))).unwrap_or(Progress::Failed);
        let result = match progress {
            Progress::Waiting => {
                let reads = request.waits.for_body;
                if was_reading && !reads {
                    request.receive.pause(now);
                }
                let stage = Stage::Request(request);
                return if reads { Turn::WaitForBytes(stage) } else { Turn::Wait(stage) };
            }
            Progress::Finished => call.finish(),
            Progress::Failed => Err(AnswerError::NoHead),
        };
        match result {
            Ok(()) => Turn::Go(Stage::Leaving(Box::new((request.receive, request.respond)))),
            Err(AnswerError::TooShort { .. }) => abort(&self.buffers, &request.respond, options),
            Err(_) => match request.respond.failed(request.waits.read_error) {
                Failure::Abort => abort(&self.buffers, &request.respond, options),
                Failure::Refuse(refusal) => self.answer_with(*request, &refusal, options),
            },
        }
    }

    fn leave(&mut self, (receive, mut respond): (Receive, Respond), now: Time, options: &Options) -> io::Result<Turn> {
        if self.buffers.has_output() {
            return Ok(match respond.time(now) {
                TimeStep::Abort => abort(&self.buffers, &respond, options),
                TimeStep::Refuse(_) | TimeStep::Wait => Turn::Wait(Stage::Leaving(Box::new((receive, respond)))),
            });
        }
        Ok(match Ending::of(receive, &respond, now) {
            Ending::Next(receive) => Turn::Go(Stage::Head(Box::new(receive))),
            Ending::Abort => abort(&self.buffers, &respond, options),
            Ending::HalfClose(drain) => {
                self.buffers.half_close();
                let closes = drain.expects_nothing() && self.buffers.input().is_empty() && !self.buffers.fill()?;
                Turn::Go(if closes { Stage::Over } else { Stage::Drain(drain) })
            }
        })
    }

    fn drain(&mut self, mut drain: Drain, now: Time) -> Turn {
        let dropped = self.buffers.input().len();
        self.buffers.consume(dropped);
        match drain.step(dropped, self.buffers.is_ended(), now) {
            DrainStep::Close => Turn::Go(Stage::Over),
            DrainStep::Need(_) => Turn::WaitForBytes(Stage::Drain(drain)),
        }
    }

    /// Refuses what was received.
    fn refuse(&mut self, receive: Receive, refusal: &Refusal, now: Time, options: &Options) -> Stage {
        (options.log)(&format!("refused: {refusal:#}"));
        self.buffers.push_head(receive.refusal_response(refusal));
        let mut respond = Respond::refusing(&receive, now);
        if let Some(stop) = self.stop {
            respond.shut_down(stop);
        }
        Stage::Leaving(Box::new((receive, respond)))
    }

    /// Answers with a refusal instead of the application.
    fn answer_with(&mut self, request: Request, refusal: &Refusal, options: &Options) -> Turn {
        (options.log)(&format!("refused: {refusal:#}"));
        self.buffers.push_head(request.respond.refusal_response(refusal));
        Turn::Go(Stage::Leaving(Box::new((request.receive, request.respond))))
    }
}

impl Request {
    fn queued(receive: Receive, application: Box<dyn Application>, now: Time) -> Self {
        let respond = Respond::queued(&receive, now);
        Self { receive, respond, application, is_running: false, head: Vec::new(), waits: Waits::default() }
    }
}

/// Resets the connection.
fn abort(buffers: &Buffers, respond: &Respond, options: &Options) -> Turn {
    if let Some(cut) = respond.cut() {
        (options.log)(&cut.to_string());
    }
    buffers.reset_at_close();
    Turn::Go(Stage::Over)
}
