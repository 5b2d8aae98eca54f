//! What is wrong with an input, and where, counted from its first byte.

use uwsgi::framing::FramingError;
use uwsgi::{DecodeError, DecodeErrorKind, Foreign, Header, Modifier1};

use crate::args::Form;
use crate::escape::Escaped;

/// Why an input is not packets from its first byte to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// One lower-case word.
    pub(crate) kind: &'static str,
    /// Where the packet begins that is malformed.
    pub(crate) packet: usize,
    /// Where the element begins that is malformed.
    pub(crate) offset: usize,
    /// For an input cut short, how many further bytes complete the element.
    pub(crate) needed: Option<u64>,
    /// All of it in one line.
    pub(crate) message: String,
    /// Another protocol that the packet's first bytes look like.
    pub(crate) foreign: Option<Foreign>,
    /// What to try.
    pub(crate) hints: Vec<&'static str>,
}

impl Fault {
    /// What the decoder said about the packet at `start`.
    pub(crate) fn packet(start: usize, error: DecodeError) -> Self {
        let error = error.shifted(start);
        Self {
            kind: error.kind().as_str(),
            packet: start,
            offset: error.offset(),
            needed: error.needed().and_then(|needed| u64::try_from(needed).ok()),
            message: error.to_string(),
            foreign: None,
            hints: Vec::new(),
        }
    }

    /// A body that ends early.
    pub(crate) fn body(start: usize, offset: usize, length: u64, available: usize) -> Self {
        let needed = length.saturating_sub(u64::try_from(available).unwrap_or(u64::MAX));
        Self {
            kind: DecodeErrorKind::Truncated.as_str(),
            packet: start,
            offset,
            needed: Some(needed),
            message: format!(
                "{length} bytes of body belong at offset {offset}, there are {available}: {needed} more needed"
            ),
            foreign: None,
            hints: vec!["--body rest takes what is there for the body, --body none expects no body"],
        }
    }

    /// A length that no server should believe.
    pub(crate) fn content_length(start: usize, offset: usize, value: &[u8], error: FramingError) -> Self {
        Self {
            kind: "content-length",
            packet: start,
            offset,
            needed: None,
            message: format!("{error}: \"{}\" at offset {offset}", Escaped(value)),
            foreign: None,
            hints: vec!["--body rest and --body none do not ask CONTENT_LENGTH where the body ends"],
        }
    }

    /// A payload where there should be none.
    pub(crate) fn payload_form(start: usize, datasize: u16) -> Self {
        let offset = start.saturating_add(Header::LEN);
        let bytes = if datasize == 1 { "byte" } else { "bytes" };
        Self {
            kind: "payload-form",
            packet: start,
            offset,
            needed: None,
            message: format!(
                "the packet at offset {start} has {datasize} {bytes} of payload where --payload none allows none"
            ),
            foreign: None,
            hints: vec!["leave --payload out, or give the form that the payload has"],
        }
    }

    /// Adds what to try when the payload is malformed.
    pub(crate) fn in_form(mut self, form: Form, modifier1: Modifier1) -> Self {
        if form == Form::Auto && modifier1 != Modifier1::WSGI {
            self.hints.push("the payload was read as a client's; if a server sent it, say --answer");
        }
        self.hints.push(match form {
            Form::Answer => "leave --answer out and say --payload raw to see the payload as it is",
            _ => "--payload raw shows the payload as it is",
        });
        self
    }

    /// Adds what the bytes from the packet's start on have to say.
    pub(crate) fn seen_in(mut self, here: &[u8]) -> Self {
        self.foreign = Header::decode(here).ok().and_then(|(header, _)| header.foreign());
        if self.packet > 0 {
            self.hints.push("if the packet before has a body that these bytes are part of, say --body rest");
        }
        self
    }

    /// The advice for a peer that speaks something else.
    pub(crate) fn advice(&self) -> Option<String> {
        self.foreign.map(|foreign| format!("these bytes look like {foreign}: {}", foreign.advice()))
    }
}
