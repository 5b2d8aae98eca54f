//! What is wrong with an input, and where. Offsets count from its first byte.

use uwsgi::framing::FramingError;
use uwsgi::{DecodeError, DecodeErrorKind, Foreign, Header, Modifier1};
use uwsgi_inspect::Escaped;

use super::args::Form;

/// The first error of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// A lower-case word for programs.
    pub(super) kind: &'static str,
    /// The offset of the malformed packet.
    pub(super) packet: usize,
    /// The offset of the malformed element.
    pub(super) offset: usize,
    /// How many more bytes would complete the element, if the input is cut short.
    pub(super) needed: Option<u64>,
    /// The whole description in one line.
    pub(super) message: String,
    /// The other protocol that the first bytes of the packet look like.
    pub(super) foreign: Option<Foreign>,
    /// What the user can try.
    pub(super) hints: Vec<&'static str>,
}

impl Fault {
    /// Returns the fault for an error of the decoder in the packet at `start`.
    pub(super) fn packet(start: usize, error: DecodeError) -> Self {
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

    /// Returns the fault of a body that ends early.
    pub(super) fn body(start: usize, offset: usize, length: u64, available: usize) -> Self {
        let needed = length.saturating_sub(u64::try_from(available).unwrap_or(u64::MAX));
        Self {
            kind: DecodeErrorKind::Truncated.as_str(),
            packet: start,
            offset,
            needed: Some(needed),
            message: format!(
                "the body at offset {offset} needs {length} bytes, there are {available}: {needed} more needed"
            ),
            foreign: None,
            hints: vec!["--body rest takes the rest of the input as the body, --body none expects no body"],
        }
    }

    /// Returns the fault of an invalid CONTENT_LENGTH.
    pub(super) fn content_length(start: usize, offset: usize, value: &[u8], error: FramingError) -> Self {
        Self {
            kind: "content-length",
            packet: start,
            offset,
            needed: None,
            message: format!("{error}: \"{}\" at offset {offset}", Escaped(value)),
            foreign: None,
            hints: vec!["--body rest and --body none do not use CONTENT_LENGTH"],
        }
    }

    /// Returns the fault of a payload that `--payload none` forbids.
    pub(super) fn payload_form(start: usize, datasize: u16) -> Self {
        let offset = start.saturating_add(Header::LEN);
        let bytes = if datasize == 1 { "byte" } else { "bytes" };
        Self {
            kind: "payload-form",
            packet: start,
            offset,
            needed: None,
            message: format!(
                "the packet at offset {start} has {datasize} {bytes} of payload, but --payload none allows no payload"
            ),
            foreign: None,
            hints: vec!["leave out --payload, or give the form of the payload"],
        }
    }

    /// Adds hints for a malformed payload.
    pub(super) fn with_form_hints(mut self, form: Form, modifier1: Modifier1) -> Self {
        if form == Form::Auto && modifier1 != Modifier1::WSGI {
            self.hints.push("the payload was read as a client's; if a server sent it, add --answer");
        }
        self.hints.push(match form {
            Form::Answer => "use --payload raw in place of --answer to see the bytes of the payload",
            _ => "--payload raw shows the bytes of the payload",
        });
        self
    }

    /// Adds what the bytes at the start of the packet show.
    pub(super) fn with_bytes(mut self, bytes: &[u8]) -> Self {
        self.foreign = Header::decode(bytes).ok().and_then(|(header, _)| header.foreign());
        if self.packet > 0 {
            self.hints.push("if these bytes belong to the body of the packet before, use --body rest");
        }
        self
    }

    /// Returns the advice for a peer that speaks another protocol.
    pub(super) fn advice(&self) -> Option<String> {
        self.foreign.map(|foreign| format!("these bytes look like {foreign}: {}", foreign.advice()))
    }
}
