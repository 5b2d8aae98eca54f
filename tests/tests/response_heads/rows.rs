//! One response of a backend: its bytes, our verdict, what front ends do.

use uwsgi::client::Exchange;
use uwsgi::response::{HeadEnd, ResponseErrorKind, ResponseHead};
use uwsgi_tests::drive::{answer, answer_at_once, pieces};
use uwsgi_tests::naive_http::{self, Answer, End, Fault, Limits};

/// Everything that a backend sends until it closes, in response to a GET.
pub struct Row {
    pub name: &'static str,
    pub bytes: &'static [u8],
    pub ours: Ours,
    /// What the clients of nginx 1.31, Apache 2.4.71 and lighttpd 1.4.69 get. Empty where it was not tried.
    pub nginx: &'static str,
    pub apache: &'static str,
    pub lighttpd: &'static str,
    pub source: &'static str,
}

/// What our client makes of it.
#[derive(Debug, Clone, Copy)]
pub enum Ours {
    /// A status, its reason, a body, and the bytes that are left over.
    Answer(u16, &'static str, &'static str, &'static str),
    /// The same, after interim responses with these statuses.
    AfterInterim(&'static [u16], u16, &'static str, &'static str),
    /// 101, and the bytes after it.
    Upgraded(&'static str),
    /// A status, the part of a body that came, and how many bytes are missing.
    Cut(u16, &'static str, u64),
    /// A head that is refused because of the line at this offset.
    Refused(ResponseErrorKind, usize),
    /// A head that is refused as a whole.
    RefusedWhole(ResponseErrorKind),
    /// The stream ended before the first byte of a response.
    NoAnswer,
}

pub fn run(rows: &[Row]) {
    let mut names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.windows(2).for_each(|two| assert_ne!(two[0], two[1], "two rows have the same name"));
    for row in rows {
        row.run();
    }
}

impl Row {
    fn run(&self) {
        assert!(!self.source.is_empty(), "{}: no source", self.name);
        let whole = answer(&mut asking(), [self.bytes]);
        self.verdict(&whole);
        let naive = naive_http::asked(naive_http::answer(self.bytes, false, Limits::DEFAULT), OFFERED);
        assert_eq!(whole, naive, "{}: the naive reader", self.name);
        assert_eq!(answer_at_once(&mut asking(), [self.bytes]), whole, "{}: at once", self.name);
        let bytewise = || pieces(self.bytes, &[1]);
        assert_eq!(answer(&mut asking(), bytewise()), whole, "{}: byte by byte", self.name);
        assert_eq!(answer_at_once(&mut asking(), bytewise()), whole, "{}: byte by byte", self.name);
        let step = if self.bytes.len() > 500 { 101 } else { 1 };
        for split in (0..=self.bytes.len()).step_by(step) {
            let (one, other) = self.bytes.split_at(split);
            for at_once in [false, true] {
                let look = if at_once { answer_at_once } else { answer };
                let seen = look(&mut asking(), [one, other]);
                assert_eq!(seen, whole, "{}: split at {split}", self.name);
            }
        }
        self.head_alone();
    }

    fn verdict(&self, seen: &Answer) {
        let name = self.name;
        let statuses: Vec<u16> = seen.heads.iter().map(|head| head.status).collect();
        let last = seen.heads.last().map(|head| head.reason.escape_ascii().to_string()).unwrap_or_default();
        let (body, rest) = (seen.body.escape_ascii().to_string(), seen.rest.escape_ascii().to_string());
        match self.ours {
            Ours::Answer(status, reason, want, left) => {
                assert_eq!((seen.end, &statuses[..], &*last), (End::Whole, &[status][..], reason), "{name}");
                assert_eq!((&*body, &*rest), (want, left), "{name}");
            }
            Ours::AfterInterim(interim, status, reason, want) => {
                let want_statuses = [interim, &[status]].concat();
                assert_eq!((seen.end, statuses, &*last, &*body), (End::Whole, want_statuses, reason, want), "{name}");
            }
            Ours::Upgraded(want) => {
                assert_eq!((seen.end, &statuses[..], &*rest), (End::Upgraded, &[101][..], want), "{name}");
            }
            Ours::Cut(status, want, missing) => {
                let end = End::BodyCutShort { missing };
                assert_eq!((seen.end, &statuses[..], &*body), (end, &[status][..], want), "{name}");
            }
            Ours::Refused(kind, offset) => {
                assert_eq!(seen.end, End::Head(Fault { kind, offset: Some(offset) }), "{name}");
                let line = &self.bytes[..offset];
                assert!(line.is_empty() || line.ends_with(b"\n"), "{name}: no line begins at {offset}");
            }
            Ours::RefusedWhole(kind) => assert_eq!(seen.end, End::Head(Fault { kind, offset: None }), "{name}"),
            Ours::NoAnswer => assert_eq!(seen.end, End::NoAnswer, "{name}"),
        }
    }

    /// Checks the first head: found at every split point, and decoded alone.
    fn head_alone(&self) {
        let end = naive_http::head_end(self.bytes);
        let mut found = HeadEnd::default();
        for len in 0..=self.bytes.len() {
            let want = end.filter(|end| *end <= len);
            assert_eq!(HeadEnd::default().find(&self.bytes[..len]), want, "{}: {len} bytes", self.name);
            if found.searched() <= end.unwrap_or(len) {
                assert_eq!(found.find(&self.bytes[..len]), want, "{}: up to {len} bytes", self.name);
            }
            if want.is_some() {
                break;
            }
        }
        let Some(end) = end else { return };
        let decoded = ResponseHead::decode(&self.bytes[..end]);
        match (self.ours, decoded) {
            (Ours::Answer(status, ..) | Ours::Cut(status, ..), Ok(head)) => assert_eq!(head.status(), status),
            (Ours::AfterInterim(interim, ..), Ok(head)) => assert_eq!(head.status(), interim[0]),
            (Ours::Upgraded(_), Ok(head)) => assert_eq!(head.status(), 101),
            (Ours::Refused(kind, offset), Err(error)) => {
                assert_eq!((error.kind(), error.offset()), (kind, offset), "{}", self.name);
            }
            (Ours::NoAnswer, Ok(head)) => assert!(head.is_interim(), "{}", self.name),
            (Ours::RefusedWhole(kind), Err(error)) => assert_eq!(error.kind(), kind, "{}", self.name),
            (ours, decoded) => panic!("{}: {decoded:?}, not {ours:?}", self.name),
        }
    }
}

const OFFERED: &str = "websocket";

/// Returns the exchange of a request that asks for an upgrade.
fn asking() -> Exchange {
    Exchange::new(false).with_upgrade(OFFERED.as_bytes())
}
