//! One connection of a server that is made of `uwsgi::server`'s machines, without I/O.

use alloc::collections::VecDeque;
use core::mem;
use core::net::IpAddr;
use core::time::Duration;

use uwsgi::Modifier1;
use uwsgi::response::ResponseEncoder;
use uwsgi::server::{
    AllowList, AnswerError, BodyStep, Drain, DrainStep, Ending, Failure, HeadStep, Leaves, Receive, Refusal, Respond,
    Time, TimeStep, admit,
};

use crate::acts::Act;
use crate::app::App;
use crate::case::Case;
use crate::needs::{Needs, Sender};
use crate::report::{Body, report};

/// A connection of a server with the application of a case behind it. It is told what came and what time it is, and says
/// what to write; whoever drives it moves the bytes.
///
/// ```
/// use uwsgi::server::Time;
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
    now: Time,
    got: Vec<u8>,
    eof: bool,
    stopping: bool,
    output: Vec<u8>,
    state: State,
    stage: Stage,
}

/// What a connection has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "all that a socket can be told to do")]
pub enum State {
    /// It is reset.
    Aborted,
    /// It is closed.
    Closed,
    /// The peer has reset it.
    Gone,
    /// Its sending direction is closed; it still reads.
    HalfClosed,
    /// It reads and writes.
    Open,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of them a connection")]
enum Stage {
    Head(Receive),
    Request(Running),
    Drain(Drain),
    Over,
}

/// A request that waits for a worker, or is worked on.
#[derive(Debug)]
struct Running {
    receive: Receive,
    respond: Respond,
    started: bool,
    packet: Vec<u8>,
    body: Body,
    body_ended: bool,
    acts: VecDeque<Act>,
    /// Until when the application does something else.
    pause: Option<Time>,
    /// Whether the application waits for bytes.
    reading: bool,
    head: Vec<u8>,
    /// Made once; the body is read by then.
    report: String,
}

/// Whether a stage waits for bytes or for time.
enum Turn {
    Go(Stage),
    Wait(Stage),
}

/// What came of an act.
enum Done {
    /// It is over; the next one.
    Yes,
    /// It waits.
    Blocked,
    /// The answer is over, one way or another.
    Answered,
    /// The connection is to be reset.
    Abort,
}

impl Connection {
    /// A connection that begins now, to a server that is as the case needs it.
    #[must_use]
    pub fn new(case: &Case, now: Time) -> Self {
        let needs = case.needs;
        let mut connection = Self {
            needs,
            app: case.app,
            began: now,
            now,
            got: Vec::new(),
            eof: false,
            stopping: false,
            output: Vec::new(),
            state: State::Open,
            stage: Stage::Over,
        };
        connection.stage = match connection.admitted() {
            Ok(()) => Stage::Head(Receive::new(needs.settings(), now)),
            Err(refusal) => connection.refuse(refusal, false),
        };
        connection
    }

    /// Bytes came.
    pub fn received(&mut self, bytes: &[u8]) {
        self.got.extend_from_slice(bytes);
    }

    /// No more will come.
    pub fn ended(&mut self) {
        self.eof = true;
    }

    /// The peer has reset the connection.
    pub fn was_reset(&mut self) {
        if !matches!(self.state, State::Aborted | State::Closed) {
            (self.stage, self.state) = (Stage::Over, State::Gone);
            self.output.clear();
        }
    }

    /// Goes as far as it can go now.
    pub fn poll(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.stop_if_asked();
        loop {
            let turn = match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Head(receive) => self.head(receive),
                Stage::Request(running) => self.request(running),
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

    /// When to poll again though nothing has come; always later than the last poll.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let stop = self.stop_time().filter(|_| !self.stopping);
        let own = match &self.stage {
            Stage::Head(receive) => [receive.deadline(), None, None],
            Stage::Request(running) if !running.started => {
                [running.respond.deadline(), Some(self.time_of(self.needs.busy)), None]
            }
            Stage::Request(running) => {
                [running.respond.deadline(), running.pause, running.receive.deadline().filter(|_| running.reading)]
            }
            Stage::Drain(drain) => [Some(drain.deadline()), None, None],
            Stage::Over => return None,
        };
        own.into_iter().chain([stop]).flatten().filter(|deadline| *deadline > self.now).min()
    }

    /// What to write.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        mem::take(&mut self.output)
    }

    /// What it has come to.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// When a stop is asked for, if one is.
    fn stop_time(&self) -> Option<Time> {
        self.needs.stop.map(|stop| self.time_of(stop))
    }

    fn time_of(&self, millis: u64) -> Time {
        self.began.after(Duration::from_millis(millis))
    }

    fn admitted(&self) -> Result<(), Refusal> {
        let peer: Option<IpAddr> = match self.needs.sender {
            Sender::Address(address) => Some(address),
            Sender::Local => None,
        };
        // A list that cannot be read lets nobody in.
        let allow = AllowList::parse(self.needs.allow).map_err(|_| Refusal::PeerNotAllowed)?;
        admit(&allow, peer, self.needs.connections, self.needs.most_connections)
    }

    fn stop_if_asked(&mut self) {
        let Some(asked) = self.stop_time().filter(|asked| !self.stopping && *asked <= self.now) else { return };
        self.stopping = true;
        match &mut self.stage {
            Stage::Head(receive) => receive.shut_down(asked),
            Stage::Request(Running { receive, respond, .. }) => {
                receive.shut_down(asked);
                respond.shut_down(asked);
            }
            Stage::Drain(_) | Stage::Over => {}
        }
    }

    /// Answers by itself, and drains.
    fn refuse(&mut self, refusal: Refusal, to_head_request: bool) -> Stage {
        let says_close = self.needs.settings().keepalive.is_some();
        self.output.extend_from_slice(refusal.response_with(to_head_request, says_close));
        self.half_close(Drain::new(&self.needs.settings(), self.now))
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
        match receive.head(&self.got, self.eof, self.now) {
            HeadStep::Need(_) => Turn::Wait(Stage::Head(receive)),
            HeadStep::Head { end } => {
                let packet: Vec<u8> = self.got.drain(..end.min(self.got.len())).collect();
                match receive.request(&packet) {
                    Ok(_) => Turn::Go(Stage::Request(self.run(receive, packet))),
                    Err(refusal) => Turn::Go(self.refuse(refusal, receive.is_head_request())),
                }
            }
            HeadStep::Pong { end } => {
                self.got.drain(..end.min(self.got.len()));
                self.output.extend_from_slice(&Receive::PONG);
                Turn::Go(self.half_close(Drain::new(receive.settings(), self.now)))
            }
            HeadStep::Skip { count } => {
                self.got.drain(..count.min(self.got.len()));
                Turn::Go(Stage::Head(receive))
            }
            HeadStep::Refuse(refusal) => Turn::Go(self.refuse(refusal, false)),
            // No application here has an answer to it.
            HeadStep::Message { .. } => {
                let modifier1 = Modifier1(self.got.first().copied().unwrap_or(0));
                Turn::Go(self.refuse(Refusal::Modifier1(modifier1), false))
            }
            HeadStep::Close => self.over(State::Closed),
        }
    }

    fn run(&self, receive: Receive, packet: Vec<u8>) -> Running {
        let mut respond = Respond::queued(&receive, self.now);
        if let Some(asked) = self.stop_time().filter(|_| self.stopping) {
            respond.shut_down(asked);
        }
        Running {
            receive,
            respond,
            started: false,
            packet,
            body: Body::default(),
            body_ended: false,
            acts: self.app.acts().into(),
            pause: None,
            reading: false,
            head: Vec::new(),
            report: String::new(),
        }
    }

    fn request(&mut self, mut running: Running) -> Turn {
        if !running.started && self.now >= self.time_of(self.needs.busy) {
            running.started = true;
            running.respond.started();
        }
        while running.started {
            match self.act(&mut running) {
                Done::Yes => {}
                Done::Blocked => break,
                Done::Answered => return self.ending(running),
                Done::Abort => return self.over(State::Aborted),
            }
        }
        match running.respond.time(self.now) {
            TimeStep::Abort => self.over(State::Aborted),
            TimeStep::Refuse(refusal) => {
                self.output.extend_from_slice(running.respond.refusal_response(&refusal));
                self.ending(running)
            }
            TimeStep::Wait => Turn::Wait(Stage::Request(running)),
        }
    }

    fn ending(&mut self, running: Running) -> Turn {
        match Ending::of(running.receive, &running.respond, self.now) {
            Ending::HalfClose(drain) => Turn::Go(self.half_close(drain)),
            Ending::Next(receive) => Turn::Go(Stage::Head(receive)),
            Ending::Abort => self.over(State::Aborted),
        }
    }

    fn drain(&mut self, mut drain: Drain) -> Turn {
        let dropped = self.got.len();
        self.got.clear();
        match drain.step(dropped, self.eof, self.now) {
            DrainStep::Close => self.over(State::Closed),
            DrainStep::Need(_) => Turn::Wait(Stage::Drain(drain)),
        }
    }

    /// The application's next act.
    fn act(&mut self, running: &mut Running) -> Done {
        let Some(act) = running.acts.front().copied() else { return self.finish(running) };
        let done = match act {
            Act::Fail => return self.fail(running, None),
            Act::Give(count) => self.give(running, &vec![b'a'; count]),
            Act::GiveReport => {
                let report = mem::take(&mut running.report);
                self.give(running, report.as_bytes())
            }
            Act::GiveReportInPieces => self.give_in_pieces(running),
            Act::Head(status, length) => {
                running.give_head(status, length);
                Done::Yes
            }
            Act::Pause(millis) => {
                let until = *running.pause.get_or_insert(self.now.after(Duration::from_millis(millis)));
                if self.now < until { Done::Blocked } else { Done::Yes }
            }
            Act::Read(count) => self.read(running, count),
            Act::ReadAgain => {
                let before = running.body.bytes.len();
                let done = self.read(running, usize::MAX);
                running.body.again = Some(running.body.bytes.len().saturating_sub(before));
                done
            }
            Act::ReportHead { length } => {
                running.report = report(&running.packet, running.receive.settings().chunked, &running.body);
                let whole = u64::try_from(running.report.len()).unwrap_or(u64::MAX);
                running.give_head(200, length.then_some(whole));
                Done::Yes
            }
        };
        if matches!(done, Done::Yes) {
            running.acts.pop_front();
            running.pause = None;
        }
        done
    }

    /// Reads until the application has so many bytes in all, or the body has ended.
    fn read(&mut self, running: &mut Running, count: usize) -> Done {
        running.reading = false;
        loop {
            let wanted = count.saturating_sub(running.body.bytes.len());
            if running.body_ended || wanted == 0 {
                return Done::Yes;
            }
            // What the application did not ask for is not shown: it is not read, in whatever pieces it comes.
            let shown = self.got.get(..wanted).unwrap_or(&self.got);
            match running.receive.body(shown, self.eof, self.now) {
                BodyStep::Body { skip, take } => {
                    self.got.drain(..skip.min(self.got.len()));
                    running.body.bytes.extend(self.got.drain(..take.min(self.got.len())));
                }
                BodyStep::End { skip } => {
                    self.got.drain(..skip.min(self.got.len()));
                    running.body_ended = true;
                }
                BodyStep::Need(_) => {
                    running.reading = true;
                    return Done::Blocked;
                }
                BodyStep::Fail(refusal) => {
                    running.body.error = Some(refusal);
                    running.body_ended = true;
                    if !self.app.takes_read_errors() {
                        return self.fail(running, Some(refusal));
                    }
                }
            }
        }
    }

    fn give_in_pieces(&mut self, running: &mut Running) -> Done {
        for byte in mem::take(&mut running.report).bytes() {
            for piece in [&[][..], &[byte], &[]] {
                match self.give(running, piece) {
                    Done::Yes => {}
                    done => return done,
                }
            }
        }
        Done::Yes
    }

    fn give(&mut self, running: &mut Running, bytes: &[u8]) -> Done {
        running.tell_unread();
        match running.respond.body(bytes.len()) {
            Ok(leaves) => {
                self.write(running, leaves, bytes);
                Done::Yes
            }
            Err(AnswerError::TooLong { leaves }) => {
                self.write(running, leaves, bytes);
                if self.app.fails_when_cut() { self.fail(running, None) } else { self.finish(running) }
            }
            Err(_) => self.fail(running, None),
        }
    }

    fn write(&mut self, running: &Running, leaves: Leaves, bytes: &[u8]) {
        if leaves.head {
            let lines = running.head.len().saturating_sub(2);
            self.output.extend_from_slice(running.head.get(..lines).unwrap_or_default());
            self.output.extend_from_slice(running.respond.head_end());
        }
        self.output.extend_from_slice(bytes.get(..leaves.take).unwrap_or(bytes));
    }

    fn finish(&mut self, running: &mut Running) -> Done {
        running.tell_unread();
        match running.respond.finished() {
            Ok(leaves) => {
                self.write(running, leaves, &[]);
                Done::Answered
            }
            Err(AnswerError::TooShort { .. }) => Done::Abort,
            Err(_) => self.fail(running, None),
        }
    }

    fn fail(&mut self, running: &mut Running, why: Option<Refusal>) -> Done {
        match running.respond.failed(why) {
            Failure::Abort => Done::Abort,
            Failure::Refuse(refusal) => {
                self.output.extend_from_slice(running.respond.refusal_response(&refusal));
                Done::Answered
            }
        }
    }
}

impl Running {
    /// Whether the connection can go on depends on what is unread when the head leaves.
    fn tell_unread(&mut self) {
        if !self.respond.has_left() {
            self.respond.unread(self.receive.unread_body());
        }
    }

    /// Keeps a head if it may still be given.
    fn give_head(&mut self, status: u16, length: Option<u64>) {
        let mut bytes = Vec::new();
        let reason = if status == 200 { "OK" } else { "As Asked" };
        let Ok(mut head) = ResponseEncoder::new(&mut bytes, status, reason) else { return };
        // A Vec has room for them.
        let _ = head.push("Content-Type", "text/plain");
        if let Some(length) = length {
            let _ = head.push_length(length);
        }
        if head.finish().is_ok_and(|head| self.respond.head(&head)) {
            self.head = bytes;
        }
    }
}
