//! JSON as packets.

use serde_json::{Deserializer, Map, Value};
use uwsgi::{ArrayEncoder, EncodeError, Modifier1, Packet, VarsEncoder};

use crate::escape::from_latin1;

/// What the JSON gave.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// The packets, back to back.
    pub(crate) bytes: Vec<u8>,
    /// How many packets there were.
    pub(crate) packets: usize,
    /// How many bytes of bodies the JSON tells of, without having them.
    pub(crate) bodies: u64,
    /// What a decoder had written down as wrong behind the packets.
    pub(crate) error: Option<String>,
}

/// Where something is in a document, for messages.
#[derive(Debug, Clone)]
struct At(String);

impl At {
    fn field(&self, name: &str) -> Self {
        Self(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    fn expected<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("{} must be {what}", self.0))
    }

    fn encoded<T>(&self, result: Result<T, EncodeError>) -> Result<T, String> {
        result.map_err(|error| format!("{}: {error}", self.0))
    }
}

/// The packets of one or several documents, each an array of packets or an object with one in `packets`.
pub(crate) fn packets(json: &[u8]) -> Result<Imported, String> {
    let mut imported = Imported::default();
    for (place, document) in Deserializer::from_slice(json).into_iter().enumerate() {
        let document: Value = document.map_err(|error| format!("this is not JSON: {error}"))?;
        document_into(&document, &mut imported).map_err(|message| match place {
            0 => message,
            _ => format!("in document {}: {message}", place.saturating_add(1)),
        })?;
    }
    Ok(imported)
}

fn document_into(document: &Value, imported: &mut Imported) -> Result<(), String> {
    let packets = match document {
        Value::Array(packets) => packets,
        Value::Object(object) => {
            imported.error = imported.error.take().or_else(|| {
                Some(
                    object.get("error")?.get("message").and_then(Value::as_str).unwrap_or("no reason given").to_owned(),
                )
            });
            match object.get("packets") {
                Some(Value::Array(packets)) => packets,
                Some(_) => return Err("packets must be an array of packets".to_owned()),
                None => return Err("the object has no field `packets` with an array of packets".to_owned()),
            }
        }
        _ => return Err("the document must be an array of packets, or an object with one in `packets`".to_owned()),
    };
    for (place, packet) in packets.iter().enumerate() {
        let at = At("packets".to_owned()).index(place);
        let Value::Object(packet) = packet else { return at.expected("an object") };
        packet_into(packet, &at, &mut imported.bytes)?;
        imported.packets = imported.packets.saturating_add(1);
        let body = packet.get("body").and_then(|body| body.get("length")).and_then(Value::as_u64);
        imported.bodies = imported.bodies.saturating_add(body.unwrap_or(0));
    }
    Ok(())
}

/// Appends one packet.
fn packet_into(packet: &Map<String, Value>, at: &At, bytes: &mut Vec<u8>) -> Result<(), String> {
    let modifier1 = Modifier1(number(packet, "modifier1", at)?.unwrap_or(0));
    let modifier2 = number(packet, "modifier2", at)?.unwrap_or(0);
    let datasize: Option<u16> = number(packet, "datasize", at)?;
    let form = form(packet, at)?;
    let length = match (form, packet.get(form)) {
        ("vars", Some(vars)) => {
            let mut encoder = VarsEncoder::new(bytes);
            let at = at.field("vars");
            let Value::Array(vars) = vars else { return at.expected("an array of [key, value]") };
            for (place, pair) in vars.iter().enumerate() {
                let at = at.index(place);
                let Some([key, value]) = pair.as_array().map(Vec::as_slice) else {
                    return at.expected("an array of two strings: [key, value]");
                };
                let (key, value) = (string(key, &at.index(0))?, string(value, &at.index(1))?);
                at.encoded(encoder.push_raw(&key, &value))?;
            }
            at.encoded(encoder.finish(modifier1, modifier2))?.len()
        }
        ("items", Some(items)) => {
            let mut encoder = ArrayEncoder::new(bytes);
            let at = at.field("items");
            let Value::Array(items) = items else { return at.expected("an array of strings") };
            for (place, item) in items.iter().enumerate() {
                let at = at.index(place);
                at.encoded(encoder.push(&string(item, &at)?))?;
            }
            at.encoded(encoder.finish(modifier1, modifier2))?.len()
        }
        (_, raw) => {
            let raw = raw.map_or(Ok(Vec::new()), |raw| string(raw, &at.field("raw")))?;
            let packet = at.encoded(Packet::new(modifier1, modifier2, &raw))?;
            at.encoded(packet.encode(bytes))?.len()
        }
    };
    let payload = length.saturating_sub(uwsgi::Header::LEN);
    match datasize {
        Some(datasize) if usize::from(datasize) != payload => Err(format!(
            "{} is {datasize}, but the payload takes {payload} bytes: correct it or leave it out",
            at.field("datasize").0
        )),
        _ => Ok(()),
    }
}

/// The field that the payload is in, or a name that no field has.
fn form(packet: &Map<String, Value>, at: &At) -> Result<&'static str, String> {
    let mut there = ["vars", "items", "raw"].into_iter().filter(|field| packet.contains_key(*field));
    let (first, second) = (there.next(), there.next());
    if let (Some(first), Some(second)) = (first, second) {
        return Err(format!("{} has `{first}` and `{second}`, a packet has one payload", at.0));
    }
    let told = match packet.get("payload") {
        None => return Ok(first.unwrap_or("none")),
        Some(Value::String(told)) => match told.as_str() {
            "vars" => Some("vars"),
            "array" => Some("items"),
            "raw" => Some("raw"),
            "none" => None,
            _ => return at.field("payload").expected("vars, array, raw or none"),
        },
        Some(_) => return at.field("payload").expected("vars, array, raw or none"),
    };
    match (told, first) {
        (Some(told), Some(there)) if told == there => Ok(told),
        (None, None) => Ok("none"),
        (Some(told), _) => Err(format!("{} has no field `{told}` with the payload that its `payload` announces", at.0)),
        (None, Some(there)) => Err(format!("{} has a field `{there}`, but its `payload` is none", at.0)),
    }
}

fn number<N: TryFrom<u64>>(packet: &Map<String, Value>, name: &str, at: &At) -> Result<Option<N>, String> {
    let Some(value) = packet.get(name) else { return Ok(None) };
    match value.as_u64().map(N::try_from) {
        Some(Ok(number)) => Ok(Some(number)),
        _ => {
            let bits = size_of::<N>().saturating_mul(8);
            at.field(name).expected(&format!("a number of {bits} bits, it is {value}"))
        }
    }
}

fn string(value: &Value, at: &At) -> Result<Vec<u8>, String> {
    let Value::String(text) = value else { return at.expected("a string") };
    from_latin1(text).map_err(|character| {
        format!(
            "{}: '{}' (U+{:04X}) stands for no byte; strings are latin-1, one character U+0000 to U+00FF for each byte",
            at.0,
            character.escape_debug(),
            u32::from(character)
        )
    })
}
