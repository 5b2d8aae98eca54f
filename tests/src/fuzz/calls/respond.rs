//! Calls of the server's sending machine.

use std::time::Duration;

use uwsgi::Time;
use uwsgi::server::{AnswerError, Failure, Leaves, Receive, Refusal, Respond, Settings, TimeStep};

use crate::drive::give_head;
use crate::naive;

pub(super) fn check(chosen: u8, calls: &[[u8; 2]]) {
    let mut settings = Settings::default();
    if chosen & 1 != 0 {
        settings.stop_grace = Duration::MAX;
    }
    let method: &[u8] = if chosen & 2 != 0 { b"HEAD" } else { b"GET" };
    let offers: &[u8] = if chosen & 8 != 0 { b"y, X" } else { b"h2c, x" };
    let vars = [(&b"REQUEST_METHOD"[..], method), (b"HTTP_UPGRADE", offers)];
    let packet = naive::encode_packet(0, 0, &naive::encode_vars(&vars).unwrap()).unwrap();
    let mut receive = Receive::new(settings, Time::ZERO);
    let _announced = receive.head(&packet, false, Time::ZERO);
    receive.request(&packet).unwrap();
    let respond = Respond::queued(&receive, Time::ZERO);
    let bare = chosen & 4 != 0;
    let mut model = Model {
        respond: if bare { respond.without_head() } else { respond },
        to_head: chosen & 2 != 0,
        offers: chosen & 8 != 0,
        bare,
        now: Time::ZERO,
        head: None,
        left: false,
        taken: 0,
        over: None,
    };
    for [call, count] in calls {
        model.call(*call, *count);
    }
}

struct Model {
    respond: Respond,
    to_head: bool,
    /// Whether the request offers the protocol that a 101 switches to.
    offers: bool,
    bare: bool,
    now: Time,
    head: Option<(u16, Option<u64>)>,
    /// Whether the head has left, or the first bytes of a response without a head.
    left: bool,
    taken: u64,
    over: Option<Over>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Finished,
    Refused,
    Aborted,
}

impl Model {
    fn call(&mut self, call: u8, count: u8) {
        const STATUS: [u16; 4] = [200, 204, 304, 101];
        let status = STATUS[usize::from(count >> 6)];
        match call % 12 {
            0 => self.respond.started(),
            1 => self.head(status, None),
            2 => self.head(status, Some(u64::from(count & 63))),
            3 | 4 => self.body(usize::from(count)),
            5 => self.leaves_nothing(|respond| respond.flush_head()),
            6 => self.finished(),
            7 if count > 128 => self.failed(Some(Refusal::BodyTimeout)),
            7 => self.failed(None),
            8 if count > 200 => {
                self.respond.broken();
                self.over = Some(Over::Aborted);
            }
            8 => self.respond.wrote(usize::from(count)),
            9 => self.now = self.now.after(Duration::from_millis(u64::from(count) * u64::from(count) * 100)),
            10 if count > 200 => self.respond.shut_down(self.now),
            10 => self.respond.blocked(self.now),
            _ => self.time(),
        }
        let _deadline = self.respond.deadline();
        assert_eq!(self.respond.is_aborted(), !matches!(self.over, Some(Over::Finished | Over::Refused)));
        assert_eq!(self.respond.has_left(), self.left || self.over.is_some());
        assert!(!self.respond.allows_another(), "no connection is kept here");
        assert_eq!(self.respond.has_body(), self.has_body());
    }

    fn has_body(&self) -> bool {
        let without = |(status, _)| (self.to_head && status != 101) || matches!(status, 204 | 304);
        self.bare || self.head.map_or(!self.to_head, |head| !without(head))
    }

    /// Returns how many bytes may still leave.
    fn room(&self) -> u64 {
        match self.head {
            Some((status, Some(length))) if status != 101 => length - self.taken,
            _ => u64::MAX,
        }
    }

    fn head(&mut self, status: u16, length: Option<u64>) {
        let taken = give_head(&mut self.respond, status, length);
        assert_eq!(taken, !self.left && self.over.is_none() && !self.bare);
        if taken {
            self.head = Some((status, length));
        }
    }

    /// Returns whether the head leaves together with the bytes that are given now. The error says why nothing leaves.
    fn leaves(&self) -> Result<bool, AnswerError> {
        match (self.over, self.head) {
            (Some(_), _) => Err(AnswerError::Over),
            (None, None) if !self.bare => Err(AnswerError::NoHead),
            (None, Some((101, _))) if !self.offers => Err(AnswerError::UnaskedUpgrade),
            _ => Ok(!self.left && !self.bare),
        }
    }

    fn leaves_nothing(&mut self, call: impl FnOnce(&mut Respond) -> Result<Leaves, AnswerError>) {
        assert_eq!(call(&mut self.respond), self.leaves().map(|head| Leaves { head, take: 0 }));
        self.left |= self.leaves().is_ok();
    }

    fn body(&mut self, len: usize) {
        let given = self.respond.body(len);
        if len == 0 {
            return assert_eq!(given, Ok(Leaves { head: false, take: 0 }));
        }
        let fits = if self.has_body() { self.room().min(len as u64) } else { 0 };
        let expected = self.leaves().and_then(|head| {
            let leaves = Leaves { head, take: usize::try_from(fits).unwrap() };
            if self.has_body() && fits < len as u64 { Err(AnswerError::TooLong { leaves }) } else { Ok(leaves) }
        });
        assert_eq!(given, expected);
        if self.leaves().is_ok() {
            self.left = true;
            self.taken += fits;
        }
    }

    fn finished(&mut self) {
        let missing = match self.head {
            Some((status, Some(length))) if status != 101 && self.has_body() => length - self.taken,
            _ => 0,
        };
        if self.leaves().is_ok() && missing > 0 {
            assert_eq!(self.respond.finished(), Err(AnswerError::TooShort { missing }));
            self.over = Some(Over::Aborted);
        } else {
            self.leaves_nothing(Respond::finished);
            if self.leaves().is_ok() {
                self.over = Some(Over::Finished);
            }
        }
    }

    fn failed(&mut self, why: Option<Refusal>) {
        let failure = self.respond.failed(why);
        if self.left || self.over.is_some() {
            assert_eq!(failure, Failure::Abort);
            self.over = Some(Over::Aborted);
        } else {
            assert_eq!(failure, Failure::Refuse(why.unwrap_or(Refusal::AppFailed)));
            self.over = Some(Over::Refused);
        }
    }

    fn time(&mut self) {
        match (self.respond.time(self.now), self.over) {
            (TimeStep::Abort, _) => self.over = Some(Over::Aborted),
            (_, Some(Over::Aborted)) => panic!("an aborted response goes on"),
            (TimeStep::Wait, _) => {}
            (TimeStep::Refuse(_), None) if !self.left => self.over = Some(Over::Refused),
            (TimeStep::Refuse(_), over) => panic!("a refusal after {over:?}"),
        }
        let before = self.over;
        let again = self.respond.clone().time(self.now);
        assert_eq!(again == TimeStep::Abort, before == Some(Over::Aborted), "what is due stays due");
        assert!(!matches!(again, TimeStep::Refuse(_)), "a second refusal");
    }
}
