//! The packets of an input, each followed by its body.

use uwsgi::framing::{RequestFraming, request_framing};
use uwsgi::{Array, Header, Packet, PayloadForm, Vars};

use super::args::{Form, Framing};
use super::fault::Fault;

/// A packet, its payload and its body.
#[derive(Debug)]
pub(super) struct DecodedPacket<'a> {
    pub(super) offset: usize,
    pub(super) packet: Packet<'a>,
    pub(super) payload: Payload<'a>,
    pub(super) body: Body<'a>,
}

/// A payload in the requested form.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    Array(Array<'a>),
    None,
    Raw(&'a [u8]),
    Vars(Vars<'a>),
}

/// The body after a packet.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) framing: Framing,
    pub(super) offset: usize,
    pub(super) bytes: &'a [u8],
}

impl Payload<'_> {
    /// Returns the word on the command line and in JSON.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Array(_) => "array",
            Self::None => "none",
            Self::Raw(_) => "raw",
            Self::Vars(_) => "vars",
        }
    }
}

/// An iterator over the packets of an input. It ends after the first fault.
#[derive(Debug)]
pub(super) struct Packets<'a> {
    input: &'a [u8],
    position: usize,
    form: Form,
    framing: Framing,
}

impl<'a> Packets<'a> {
    pub(super) const fn new(input: &'a [u8], form: Form, framing: Framing) -> Self {
        Self { input, position: 0, form, framing }
    }

    fn packet(&self, start: usize, bytes: &'a [u8]) -> Result<DecodedPacket<'a>, Fault> {
        let (packet, rest) = Packet::decode(bytes).map_err(|error| Fault::packet(start, error))?;
        let payload = payload(&packet, self.form).map_err(|error| match error {
            Some(error) => Fault::packet(start, error).with_form_hints(self.form, packet.modifier1()),
            None => Fault::payload_form(start, packet.datasize()),
        })?;
        let offset = start.saturating_add(packet.encoded_len());
        let body = match self.framing {
            Framing::ContentLength => {
                let length = declared_length(&payload, start)?;
                usize::try_from(length)
                    .ok()
                    .and_then(|length| rest.get(..length))
                    .ok_or_else(|| Fault::body(start, offset, length, rest.len()))?
            }
            Framing::Rest => rest,
            Framing::None => &[],
        };
        Ok(DecodedPacket { offset: start, packet, payload, body: Body { framing: self.framing, offset, bytes: body } })
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<DecodedPacket<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.position;
        let bytes = self.input.get(start..).filter(|bytes| !bytes.is_empty())?;
        let found = self.packet(start, bytes).map_err(|fault| fault.with_bytes(bytes));
        self.position = match &found {
            Ok(found) => found.body.offset.saturating_add(found.body.bytes.len()),
            Err(_) => self.input.len(),
        };
        Some(found)
    }
}

/// Reads the payload in the requested form. Returns `Err(None)` if the form allows no payload and there is one.
fn payload<'a>(packet: &Packet<'a>, form: Form) -> Result<Payload<'a>, Option<uwsgi::DecodeError>> {
    let form = match form {
        Form::Auto => packet.payload_form(),
        Form::Answer => packet.answer_form(),
        Form::Vars => PayloadForm::Vars,
        Form::Array => PayloadForm::Array,
        Form::Raw => PayloadForm::Raw,
        Form::None => PayloadForm::None,
    };
    match form {
        PayloadForm::Array => Ok(Payload::Array(packet.array()?)),
        PayloadForm::None if packet.datasize() == 0 => Ok(Payload::None),
        PayloadForm::None => Err(None),
        PayloadForm::Vars => Ok(Payload::Vars(packet.vars()?)),
        // Raw, and later forms that this program does not know.
        _ => Ok(Payload::Raw(packet.payload())),
    }
}

/// Returns the length that the last CONTENT_LENGTH declares; 0 without one, and for a payload that is not vars.
fn declared_length(payload: &Payload<'_>, start: usize) -> Result<u64, Fault> {
    let Payload::Vars(vars) = payload else { return Ok(0) };
    let lengths = pairs(*vars, start.saturating_add(Header::LEN)).filter(|pair| pair.key == b"CONTENT_LENGTH");
    let Some(PairAt { offset, key, value }) = lengths.last() else { return Ok(0) };
    let value_offset = offset.saturating_add(key.len()).saturating_add(4);
    match request_framing(Some(value), None, false) {
        Ok(RequestFraming::Length(length)) => Ok(length),
        Ok(_) => Ok(0),
        Err(error) => Err(Fault::content_length(start, value_offset, value, error)),
    }
}

/// A pair and its offset, which is that of the length of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairAt<'a> {
    pub(super) offset: usize,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Returns the pairs of a block with their offsets. The block begins at `start`.
pub(super) fn pairs<'a>(
    vars: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    start: usize,
) -> impl Iterator<Item = PairAt<'a>> {
    vars.into_iter().scan(start, |next, (key, value)| {
        let offset = *next;
        *next = offset.saturating_add(key.len()).saturating_add(value.len()).saturating_add(4);
        Some(PairAt { offset, key, value })
    })
}

/// Returns the items of a block with their offsets, which are those of their lengths. The block begins at `start`.
pub(super) fn items(array: Array<'_>, start: usize) -> impl Iterator<Item = (usize, &[u8])> {
    array.iter().scan(start, |next, item| {
        let offset = *next;
        *next = offset.saturating_add(item.len()).saturating_add(2);
        Some((offset, item))
    })
}
