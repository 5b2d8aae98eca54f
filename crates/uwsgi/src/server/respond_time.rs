//! The part of the sending half that keeps the deadlines of waits: for a worker, for the peer, and for the end of a stop.

use core::time::Duration;

use crate::server::refusal::Refusal;
use crate::server::respond::{Phase, Respond};
use crate::server::respond_step::TimeStep;
use crate::server::truncated_answer::{Cut, CutLimit};
use crate::time::{Due, Time};

impl Respond {
    /// Tells the machine that there are bytes to write, and that the connection takes none of them now.
    pub fn blocked(&mut self, now: Time) {
        self.blocked.get_or_insert(now);
    }

    /// Tells the machine that the connection took bytes. `of_body` of them belong to the body.
    pub fn wrote(&mut self, of_body: usize) {
        // A refusal is short, so one timeout holds for all of it.
        if self.phase != Phase::Refused {
            self.blocked = None;
        }
        self.sent = self.sent.saturating_add(u64::try_from(of_body).unwrap_or(u64::MAX));
    }

    /// Sets the longest time in which the peer takes no byte of this answer; by default
    /// [`write_idle`](crate::server::Settings::write_idle). A server can give answers that hold a thread less time.
    pub const fn set_write_idle(&mut self, write_idle: Duration) {
        self.write_idle = write_idle;
    }

    /// Begins a stop: the answer may go on for [`stop_grace`](crate::server::Settings::stop_grace).
    pub fn shut_down(&mut self, now: Time) {
        self.stop.get_or_insert(now.after(self.stop_grace));
    }

    /// Returns when to call [`time`](Self::time); `None` while there is no deadline. A call at the deadline deals with it, so that
    /// a driver never wakes twice for the same one.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match self.phase {
            // The whole response is written, or nothing more of it leaves.
            Phase::Finished | Phase::Refused if self.blocked.is_none() => None,
            Phase::Aborted => None,
            _ => Time::earliest(self.own_deadline(), self.stop),
        }
    }

    /// Returns what is due. If two deadlines have passed, the earlier one counts. If they are equal, the one of the stop
    /// counts.
    ///
    /// Call it at the [deadline](Self::deadline). During a stop, call it also before the answer begins to leave and before each
    /// further piece of its body. After the deadline of the stop nothing leaves, however quickly the peer takes it and however
    /// late the application heard of the stop.
    pub fn time(&mut self, now: Time) -> TimeStep {
        let due = Due::of(self.own_deadline(), self.stop, now);
        match (self.phase, due) {
            (Phase::Aborted, _) => TimeStep::Abort,
            (_, Due::Nothing) => TimeStep::Wait,
            // A status is better than a close without an answer.
            (Phase::Queued(_), Due::Own) => self.refuse(Refusal::NoWorker),
            (Phase::Queued(_) | Phase::Running, Due::Stop) => self.refuse(Refusal::Stopping),
            // The whole response is written.
            (Phase::Finished | Phase::Refused, _) if self.blocked.is_none() => TimeStep::Wait,
            // A refusal is not an answer of an application, so there is no cut to log.
            (Phase::Refused, _) => {
                self.phase = Phase::Aborted;
                TimeStep::Abort
            }
            (_, Due::Own) => self.cut_off(CutLimit::WriteIdle(self.write_idle)),
            (_, Due::Stop) => self.cut_off(CutLimit::StopGrace(self.stop_grace)),
        }
    }

    /// Returns the limit of the server that cut the answer off, for the log. `None` if the peer went away or the application
    /// failed: those are not limits.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        let length = self.length().filter(|_| self.has_body());
        self.cut.map(|limit| Cut { limit, sent: self.sent, length })
    }

    /// Returns until when the answer waits for a worker, or for the peer.
    fn own_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Queued(since) => Some(since.after(self.queue_wait)),
            Phase::Refused => self.blocked.map(|since| since.after(self.refusal_time)),
            _ => self.blocked.map(|since| since.after(self.write_idle)),
        }
    }

    /// Refuses the request. The peer has the whole time of a refusal, even if the server has waited for the peer before.
    fn refuse(&mut self, refusal: Refusal) -> TimeStep {
        (self.phase, self.blocked) = (Phase::Refused, None);
        TimeStep::Refuse(refusal)
    }

    fn cut_off(&mut self, limit: CutLimit) -> TimeStep {
        (self.cut, self.phase) = (Some(limit), Phase::Aborted);
        TimeStep::Abort
    }
}
