//! One connection of a server that is made of the state machines of `uwsgi::server`, without I/O.

use core::mem;
use core::net::IpAddr;
use core::time::Duration;

use uwsgi::Modifier1;
use uwsgi::Time;
use uwsgi::server::{Drain, DrainStep, Ending, HeadStep, Receive, Refusal, admit};

use crate::case::{App, Case, Needs, Sender};
use crate::machine::request::{ActiveRequest, Io, Progress};

/// A connection of a server, with the application of a case. The caller moves the bytes: the caller tells the connection what
/// came and what time it is, and writes what the connection returns.
///
/// ```
/// use uwsgi::Time;
/// use uwsgi_conformance::machine::{Connection, State};
/// use uwsgi_conformance::all;
///
/// let case = all().find(|case| case.name == "ok-get").unwrap();
/// let mut connection = Connection::new(case, Time::ZERO);
/// connection.received(&uwsgi_conformance::SMALL.build());
/// connection.poll(Time::ZERO);
/// assert!(connection.take_output().starts_with(b"HTTP/1.1 200 OK\r\n"));
/// assert_eq!(connection.state(), State::HalfClosed);
/// ```
#[derive(Debug)]
pub struct Connection {
    needs: Needs,
    app: App,
    began: Time,
    io: Io,
    stopping: bool,
    state: State,
    stage: Stage,
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "all that a socket can be told to do")]
pub enum State {
    /// The server has reset it.
    Aborted,
    /// The server has closed it.
    Closed,
    /// The peer has reset it.
    Gone,
    /// The server has closed its sending direction, and still reads.
    HalfClosed,
    /// The server reads and writes.
    Open,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a connection has one")]
enum Stage {
    Head(Receive),
    Request(ActiveRequest),
    Drain(Drain),
    Over,
}

/// What follows a stage.
enum Turn {
    /// This stage, which can work at once.
    Go(Stage),
    /// This stage, which waits for bytes or for time.
    Wait(Stage),
}

impl Connection {
    /// Begins a connection at `now`, to a server with the settings and in the state that the case needs.
    #[must_use]
    pub fn new(case: &Case, now: Time) -> Self {
        let needs = case.needs;
        let mut connection = Self {
            needs,
            app: case.app,
            began: now,
            io: Io::new(now),
            stopping: false,
            state: State::Open,
            stage: Stage::Over,
        };
        connection.stage = match connection.admitted() {
            Ok(()) => Stage::Head(Receive::new(needs.settings(), now)),
            Err(refusal) => connection.refuse(refusal, false),
        };
        connection
    }

    /// Tells the connection that bytes came.
    pub fn received(&mut self, bytes: &[u8]) {
        self.io.input.extend_from_slice(bytes);
    }

    /// Tells the connection that the peer has closed its sending direction.
    pub fn ended(&mut self) {
        self.io.ended = true;
    }

    /// Tells the connection that the peer has reset it.
    pub fn was_reset(&mut self) {
        if !matches!(self.state, State::Aborted | State::Closed) {
            (self.stage, self.state) = (Stage::Over, State::Gone);
            self.io.output.clear();
        }
    }

    /// Does everything that the bytes and the time allow.
    pub fn poll(&mut self, now: Time) {
        self.io.now = self.io.now.max(now);
        self.stop_if_asked();
        loop {
            let turn = match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Head(receive) => self.head(receive),
                Stage::Request(request) => self.request(request),
                Stage::Drain(drain) => self.drain(drain),
                Stage::Over => Turn::Wait(Stage::Over),
            };
            match turn {
                Turn::Go(stage) => self.stage = stage,
                Turn::Wait(stage) => {
                    self.stage = stage;
                    return;
                }
            }
        }
    }

    /// Returns when to poll again if no bytes come. The time is always later than the last poll.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let stop = self.stop_time().filter(|_| !self.stopping);
        let own = match &self.stage {
            Stage::Head(receive) => [receive.deadline(), None, None],
            Stage::Request(request) => request.deadlines(self.worker_time()),
            Stage::Drain(drain) => [Some(drain.deadline()), None, None],
            Stage::Over => return None,
        };
        own.into_iter().chain([stop]).flatten().filter(|deadline| *deadline > self.io.now).min()
    }

    /// Takes the bytes to write.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        mem::take(&mut self.io.output)
    }

    /// Returns the state of the connection.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns when the server is asked to stop, if it is.
    fn stop_time(&self) -> Option<Time> {
        self.needs.stop.map(|stop| self.time_of(stop))
    }

    /// Returns when a worker is free.
    fn worker_time(&self) -> Time {
        self.time_of(self.needs.busy)
    }

    fn time_of(&self, millis: u64) -> Time {
        self.began.after(Duration::from_millis(millis))
    }

    fn admitted(&self) -> Result<(), Refusal> {
        let peer: Option<IpAddr> = match self.needs.sender {
            Sender::Address(address) => Some(address),
            Sender::Local => None,
        };
        // A list that cannot be parsed allows no peer.
        let allow = self.needs.allow_list().map_err(|_| Refusal::PeerNotAllowed)?;
        admit(&allow, peer, self.needs.connections, self.needs.most_connections)
    }

    fn stop_if_asked(&mut self) {
        let Some(asked) = self.stop_time().filter(|asked| !self.stopping && *asked <= self.io.now) else { return };
        self.stopping = true;
        match &mut self.stage {
            Stage::Head(receive) => receive.shut_down(asked),
            Stage::Request(request) => {
                request.receive.shut_down(asked);
                request.respond.shut_down(asked);
            }
            Stage::Drain(_) | Stage::Over => {}
        }
    }

    /// Answers with the refusal, without the application, and begins to drain.
    fn refuse(&mut self, refusal: Refusal, to_head_request: bool) -> Stage {
        let says_close = self.needs.settings().keepalive.is_some();
        self.io.output.extend_from_slice(refusal.response_with(to_head_request, says_close));
        self.half_close(Drain::new(&self.needs.settings(), self.io.now))
    }

    fn half_close(&mut self, drain: Drain) -> Stage {
        self.state = State::HalfClosed;
        Stage::Drain(drain)
    }

    fn over(&mut self, state: State) -> Turn {
        self.state = state;
        Turn::Wait(Stage::Over)
    }

    fn head(&mut self, mut receive: Receive) -> Turn {
        match receive.head(&self.io.input, self.io.ended, self.io.now) {
            HeadStep::Need(_) => Turn::Wait(Stage::Head(receive)),
            HeadStep::Head { end } => {
                let packet = self.io.take(end);
                match receive.request(&packet) {
                    Ok(_) => Turn::Go(Stage::Request(self.queue(receive, packet))),
                    Err(refusal) => Turn::Go(self.refuse(refusal, receive.is_head_request())),
                }
            }
            HeadStep::Pong { end } => {
                self.io.take(end);
                self.io.output.extend_from_slice(&Receive::PONG);
                Turn::Go(self.half_close(Drain::new(receive.settings(), self.io.now)))
            }
            HeadStep::Skip { count } => {
                self.io.take(count);
                Turn::Go(Stage::Head(receive))
            }
            HeadStep::Refuse(refusal) => Turn::Go(self.refuse(refusal, false)),
            // The cases have no application that answers messages.
            HeadStep::Message { .. } => {
                let modifier1 = Modifier1(self.io.input.first().copied().unwrap_or(0));
                Turn::Go(self.refuse(Refusal::Modifier1(modifier1), false))
            }
            HeadStep::Close => self.over(State::Closed),
        }
    }

    fn queue(&self, receive: Receive, packet: Vec<u8>) -> ActiveRequest {
        let mut request = ActiveRequest::queued(receive, packet, self.app, self.io.now);
        if let Some(asked) = self.stop_time().filter(|_| self.stopping) {
            request.respond.shut_down(asked);
        }
        request
    }

    fn request(&mut self, mut request: ActiveRequest) -> Turn {
        let free = self.worker_time();
        match request.poll(&mut self.io, free) {
            Progress::Waits => Turn::Wait(Stage::Request(request)),
            Progress::Abort => self.over(State::Aborted),
            Progress::Answered => match Ending::of(request.receive, &request.respond, self.io.now) {
                Ending::HalfClose(drain) => Turn::Go(self.half_close(drain)),
                Ending::Next(receive) => Turn::Go(Stage::Head(receive)),
                Ending::Abort => self.over(State::Aborted),
            },
        }
    }

    fn drain(&mut self, mut drain: Drain) -> Turn {
        let dropped = mem::take(&mut self.io.input).len();
        match drain.step(dropped, self.io.ended, self.io.now) {
            DrainStep::Close => self.over(State::Closed),
            DrainStep::Need(_) => Turn::Wait(Stage::Drain(drain)),
        }
    }
}
