//! One request in memory: the application's acts, and what the server writes for each.

use alloc::collections::VecDeque;
use core::mem;
use core::time::Duration;

use uwsgi::Time;
use uwsgi::response::ResponseEncoder;
use uwsgi::server::{AnswerError, BodyStep, Failure, Leaves, Receive, Refusal, Respond, TimeStep};

use crate::case::{Act, App};
use crate::report::{Body, report};

/// The bytes of a connection in both directions, and its clock.
#[derive(Debug)]
pub(super) struct Io {
    pub(super) now: Time,
    /// The bytes that came and are not yet used.
    pub(super) input: Vec<u8>,
    /// Whether the peer has closed its sending direction.
    pub(super) ended: bool,
    /// The bytes to write.
    pub(super) output: Vec<u8>,
}

/// A request that waits for a worker, or that a worker serves.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    pub(super) receive: Receive,
    pub(super) respond: Respond,
    app: App,
    /// Whether a worker serves the request.
    started: bool,
    packet: Vec<u8>,
    body: Body,
    body_ended: bool,
    acts: VecDeque<Act>,
    /// When the pause of the application ends.
    pause: Option<Time>,
    /// Whether the application waits for bytes.
    reading: bool,
    /// The head that the application gave last.
    head: Vec<u8>,
    /// The report, made once, after the body was read.
    report: String,
}

/// The state of a request after a poll.
pub(super) enum Progress {
    /// It waits for bytes or for time.
    Waits,
    /// Its answer is over.
    Answered,
    /// Its connection must be reset.
    Abort,
}

/// The result of an act.
enum Acted {
    /// The act is done; the next act follows.
    Done,
    /// The act waits for bytes or for time.
    Blocked,
    /// The answer is over.
    Answered,
    /// The connection must be reset.
    Abort,
}

impl Io {
    pub(super) const fn new(now: Time) -> Self {
        Self { now, input: Vec::new(), ended: false, output: Vec::new() }
    }

    /// Removes bytes from the start of the input.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        self.input.drain(..count.min(self.input.len())).collect()
    }
}

impl ActiveRequest {
    /// Queues the request of a packet for a worker.
    pub(super) fn queued(receive: Receive, packet: Vec<u8>, app: App, now: Time) -> Self {
        Self {
            respond: Respond::queued(&receive, now),
            receive,
            app,
            started: false,
            packet,
            body: Body::default(),
            body_ended: false,
            acts: app.acts().into(),
            pause: None,
            reading: false,
            head: Vec::new(),
            report: String::new(),
        }
    }

    /// Gives the request to a worker that is free from `free` on, and serves it as far as possible.
    pub(super) fn poll(&mut self, io: &mut Io, free: Time) -> Progress {
        if !self.started && io.now >= free {
            self.started = true;
            self.respond.started();
        }
        while self.started {
            match self.act(io) {
                Acted::Done => {}
                Acted::Blocked => break,
                Acted::Answered => return Progress::Answered,
                Acted::Abort => return Progress::Abort,
            }
        }
        match self.respond.time(io.now) {
            TimeStep::Abort => Progress::Abort,
            TimeStep::Refuse(refusal) => {
                io.output.extend_from_slice(self.respond.refusal_response(&refusal));
                Progress::Answered
            }
            TimeStep::Wait => Progress::Waits,
        }
    }

    /// Returns when to poll again if no bytes come. `free` is when a worker is free.
    pub(super) fn deadlines(&self, free: Time) -> [Option<Time>; 3] {
        if self.started {
            [self.respond.deadline(), self.pause, self.receive.deadline().filter(|_| self.reading)]
        } else {
            [self.respond.deadline(), Some(free), None]
        }
    }

    /// Does the next act of the application.
    fn act(&mut self, io: &mut Io) -> Acted {
        let Some(act) = self.acts.front().copied() else { return self.finish(io) };
        let acted = match act {
            Act::Fail => return self.fail(io, None),
            Act::Give(count) => self.give(io, &vec![b'a'; count]),
            Act::GiveReport => {
                let report = mem::take(&mut self.report);
                self.give(io, report.as_bytes())
            }
            Act::GiveReportInPieces => self.give_in_pieces(io),
            Act::Head(status, length) => {
                self.give_head(status, length);
                Acted::Done
            }
            Act::Pause(millis) => {
                let until = *self.pause.get_or_insert(io.now.after(Duration::from_millis(millis)));
                if io.now < until { Acted::Blocked } else { Acted::Done }
            }
            Act::Read(count) => self.read(io, count),
            Act::ReadAgain => {
                let before = self.body.bytes.len();
                let acted = self.read(io, usize::MAX);
                self.body.again = Some(self.body.bytes.len().saturating_sub(before));
                acted
            }
            Act::ReportHead { length } => {
                self.report = report(&self.packet, self.receive.settings().chunked, &self.body);
                let whole = u64::try_from(self.report.len()).unwrap_or(u64::MAX);
                self.give_head(200, length.then_some(whole));
                Acted::Done
            }
        };
        if matches!(acted, Acted::Done) {
            self.acts.pop_front();
            self.pause = None;
        }
        acted
    }

    /// Reads until the application has `count` bytes in all, or until the body has ended.
    fn read(&mut self, io: &mut Io, count: usize) -> Acted {
        self.reading = false;
        loop {
            let wanted = count.saturating_sub(self.body.bytes.len());
            if self.body_ended || wanted == 0 {
                return Acted::Done;
            }
            // The state machine sees no more bytes than the application wants. The rest stays unread, in whatever pieces the
            // bytes came.
            let visible = io.input.get(..wanted).unwrap_or(&io.input);
            match self.receive.body(visible, io.ended, io.now) {
                BodyStep::Body { skip, take } => {
                    io.take(skip);
                    self.body.bytes.append(&mut io.take(take));
                }
                BodyStep::End { skip } => {
                    io.take(skip);
                    self.body_ended = true;
                }
                BodyStep::Need(_) => {
                    self.reading = true;
                    return Acted::Blocked;
                }
                BodyStep::Fail(refusal) => {
                    self.body.error = Some(refusal);
                    self.body_ended = true;
                    if !self.app.takes_read_errors() {
                        return self.fail(io, Some(refusal));
                    }
                }
            }
        }
    }

    fn give_in_pieces(&mut self, io: &mut Io) -> Acted {
        for byte in mem::take(&mut self.report).bytes() {
            for piece in [&[][..], &[byte], &[]] {
                match self.give(io, piece) {
                    Acted::Done => {}
                    acted => return acted,
                }
            }
        }
        Acted::Done
    }

    fn give(&mut self, io: &mut Io, bytes: &[u8]) -> Acted {
        self.count_unread();
        match self.respond.body(bytes.len()) {
            Ok(leaves) => {
                self.write(io, leaves, bytes);
                Acted::Done
            }
            Err(AnswerError::TooLong { leaves }) => {
                self.write(io, leaves, bytes);
                if self.app.fails_when_cut() { self.fail(io, None) } else { self.finish(io) }
            }
            Err(_) => self.fail(io, None),
        }
    }

    fn write(&self, io: &mut Io, leaves: Leaves, bytes: &[u8]) {
        if leaves.head {
            let lines = self.head.len().saturating_sub(2);
            io.output.extend_from_slice(self.head.get(..lines).unwrap_or_default());
            io.output.extend_from_slice(self.respond.head_end());
        }
        io.output.extend_from_slice(bytes.get(..leaves.take).unwrap_or(bytes));
    }

    fn finish(&mut self, io: &mut Io) -> Acted {
        self.count_unread();
        match self.respond.finished() {
            Ok(leaves) => {
                self.write(io, leaves, &[]);
                Acted::Answered
            }
            Err(AnswerError::TooShort { .. }) => Acted::Abort,
            Err(_) => self.fail(io, None),
        }
    }

    fn fail(&mut self, io: &mut Io, why: Option<Refusal>) -> Acted {
        match self.respond.failed(why) {
            Failure::Abort => Acted::Abort,
            Failure::Refuse(refusal) => {
                io.output.extend_from_slice(self.respond.refusal_response(&refusal));
                Acted::Answered
            }
        }
    }

    /// Tells the answer how much of the body is unread, as long as the head of the answer has not left. The head says whether
    /// the connection is kept.
    fn count_unread(&mut self) {
        if !self.respond.has_left() {
            self.respond.unread(self.receive.unread_body());
        }
    }

    /// Stores a head, if the application may still give one.
    fn give_head(&mut self, status: u16, length: Option<u64>) {
        let mut bytes = Vec::new();
        let reason = if status == 200 { "OK" } else { "As Asked" };
        let Ok(mut head) = ResponseEncoder::new(&mut bytes, status, reason) else { return };
        // A Vec has room for both headers.
        let _ = head.push("Content-Type", "text/plain");
        if let Some(length) = length {
            let _ = head.push_length(length);
        }
        if head.finish().is_ok_and(|head| self.respond.head(&head)) {
            self.head = bytes;
        }
    }
}
