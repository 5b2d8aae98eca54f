//! An input as packets back to back, each with the body that follows it.

use uwsgi::framing::{RequestBody, request_body};
use uwsgi::{Array, Header, Packet, PayloadForm, Vars};

use crate::args::{Form, Framing};
use crate::fault::Fault;

/// A packet where it was found.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) offset: usize,
    pub(crate) packet: Packet<'a>,
    pub(crate) payload: Payload<'a>,
    pub(crate) body: Body<'a>,
}

/// A payload in the form that was asked for.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    Array(Array<'a>),
    None,
    Raw(&'a [u8]),
    Vars(Vars<'a>),
}

/// What follows a packet.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) framing: Framing,
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl Payload<'_> {
    /// The word on the command line and in JSON.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Array(_) => "array",
            Self::None => "none",
            Self::Raw(_) => "raw",
            Self::Vars(_) => "vars",
        }
    }
}

/// The packets of an input, then what was wrong if not all of it was packets.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    input: &'a [u8],
    at: usize,
    form: Form,
    framing: Framing,
}

impl<'a> Stream<'a> {
    pub(crate) const fn new(input: &'a [u8], form: Form, framing: Framing) -> Self {
        Self { input, at: 0, form, framing }
    }

    fn packet(&self, start: usize, here: &'a [u8]) -> Result<Found<'a>, Fault> {
        let (packet, rest) = Packet::decode(here).map_err(|error| Fault::packet(start, error))?;
        let payload = payload(&packet, self.form).map_err(|error| match error {
            Some(error) => Fault::packet(start, error).in_form(self.form, packet.modifier1()),
            None => Fault::payload_form(start, packet.datasize()),
        })?;
        let offset = start.saturating_add(packet.encoded_len());
        let body = match self.framing {
            Framing::ContentLength => {
                let length = declared(&payload, start)?;
                usize::try_from(length)
                    .ok()
                    .and_then(|length| rest.get(..length))
                    .ok_or_else(|| Fault::body(start, offset, length, rest.len()))?
            }
            Framing::Rest => rest,
            Framing::None => &[],
        };
        Ok(Found { offset: start, packet, payload, body: Body { framing: self.framing, offset, bytes: body } })
    }
}

impl<'a> Iterator for Stream<'a> {
    type Item = Result<Found<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let here = self.input.get(start..).filter(|here| !here.is_empty())?;
        let found = self.packet(start, here).map_err(|fault| fault.seen_in(here));
        self.at = match &found {
            Ok(found) => found.body.offset.saturating_add(found.body.bytes.len()),
            Err(_) => self.input.len(),
        };
        Some(found)
    }
}

/// The payload in the form asked for; no error inside the error where there should be no payload.
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
        // Raw, and any form to come that this program does not know.
        _ => Ok(Payload::Raw(packet.payload())),
    }
}

/// The length that a request's vars declare, the last one if there are several; 0 where they declare none, or the payload is
/// something else.
fn declared(payload: &Payload<'_>, start: usize) -> Result<u64, Fault> {
    let Payload::Vars(vars) = payload else { return Ok(0) };
    let lengths = pairs(*vars, start.saturating_add(Header::LEN)).filter(|pair| pair.key == b"CONTENT_LENGTH");
    let Some(Placed { offset, key, value }) = lengths.last() else { return Ok(0) };
    let value_offset = offset.saturating_add(key.len()).saturating_add(4);
    match request_body(Some(value), None, false) {
        Ok(RequestBody::Length(declared)) => Ok(declared),
        Ok(_) => Ok(0),
        Err(error) => Err(Fault::content_length(start, value_offset, value, error)),
    }
}

/// A pair, and where it begins: at the length of its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) offset: usize,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The pairs with their places, in a block that begins at `start`.
pub(crate) fn pairs<'a>(
    vars: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    start: usize,
) -> impl Iterator<Item = Placed<'a>> {
    vars.into_iter().scan(start, |next, (key, value)| {
        let offset = *next;
        *next = offset.saturating_add(key.len()).saturating_add(value.len()).saturating_add(4);
        Some(Placed { offset, key, value })
    })
}

/// The items with their places, in a block that begins at `start`: each at its length.
pub(crate) fn items(array: Array<'_>, start: usize) -> impl Iterator<Item = (usize, &[u8])> {
    array.iter().scan(start, |next, item| {
        let offset = *next;
        *next = offset.saturating_add(item.len()).saturating_add(2);
        Some((offset, item))
    })
}
