//! Packets from JSON.

use serde_json::{Deserializer, Map, Value};
use uwsgi::{ArrayEncoder, EncodeError, Modifier1, Packet, VarsEncoder};

/// The packets of a JSON input.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// The encoded packets, one after another.
    pub(super) bytes: Vec<u8>,
    /// The number of packets.
    pub(super) packets: usize,
    /// The sum of the lengths of all bodies. The JSON has no content of bodies, so that `bytes` lacks them.
    pub(super) body_bytes: u64,
    /// The error that `uwsgictl decode` found after the packets.
    pub(super) error: Option<String>,
}

/// The path of a value in a document, for messages.
#[derive(Debug, Clone)]
struct Path(String);

impl Path {
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

/// Reads the packets of all documents. Each document is an array of packets, or an object with such an array in `packets`.
pub(super) fn packets(json: &[u8]) -> Result<Imported, String> {
    let mut imported = Imported::default();
    for (index, document) in Deserializer::from_slice(json).into_iter().enumerate() {
        let document: Value = document.map_err(|error| format!("this is not JSON: {error}"))?;
        read_document(&document, &mut imported).map_err(|message| match index {
            0 => message,
            _ => format!("in document {}: {message}", index.saturating_add(1)),
        })?;
    }
    Ok(imported)
}

fn read_document(document: &Value, imported: &mut Imported) -> Result<(), String> {
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
    for (index, packet) in packets.iter().enumerate() {
        let at = Path("packets".to_owned()).index(index);
        let Value::Object(packet) = packet else { return at.expected("an object") };
        read_packet(packet, &at, &mut imported.bytes)?;
        imported.packets = imported.packets.saturating_add(1);
        let body = packet.get("body").and_then(|body| body.get("length")).and_then(Value::as_u64);
        imported.body_bytes = imported.body_bytes.saturating_add(body.unwrap_or(0));
    }
    Ok(())
}

/// Appends the encoded packet to `bytes`.
fn read_packet(packet: &Map<String, Value>, at: &Path, bytes: &mut Vec<u8>) -> Result<(), String> {
    let modifier1 = Modifier1(number(packet, "modifier1", at)?.unwrap_or(0));
    let modifier2 = number(packet, "modifier2", at)?.unwrap_or(0);
    let datasize: Option<u16> = number(packet, "datasize", at)?;
    let form = form(packet, at)?;
    let length = match (form, packet.get(form)) {
        ("vars", Some(vars)) => {
            let mut encoder = VarsEncoder::new(bytes);
            let at = at.field("vars");
            let Value::Array(vars) = vars else { return at.expected("an array of [key, value]") };
            for (index, pair) in vars.iter().enumerate() {
                let at = at.index(index);
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
            for (index, item) in items.iter().enumerate() {
                let at = at.index(index);
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

/// Returns the field of the payload, or `none` if there is no payload.
fn form(packet: &Map<String, Value>, at: &Path) -> Result<&'static str, String> {
    let mut present = ["vars", "items", "raw"].into_iter().filter(|field| packet.contains_key(*field));
    let (first, second) = (present.next(), present.next());
    if let (Some(first), Some(second)) = (first, second) {
        return Err(format!("{} has `{first}` and `{second}`, but a packet has one payload", at.0));
    }
    let announced = match packet.get("payload") {
        None => return Ok(first.unwrap_or("none")),
        Some(Value::String(form)) => match form.as_str() {
            "vars" => Some("vars"),
            "array" => Some("items"),
            "raw" => Some("raw"),
            "none" => None,
            _ => return at.field("payload").expected("vars, array, raw or none"),
        },
        Some(_) => return at.field("payload").expected("vars, array, raw or none"),
    };
    match (announced, first) {
        (Some(announced), Some(field)) if announced == field => Ok(announced),
        (None, None) => Ok("none"),
        (Some(announced), _) => {
            Err(format!("{} has no field `{announced}` with the payload that its `payload` announces", at.0))
        }
        (None, Some(field)) => Err(format!("{} has a field `{field}`, but its `payload` is \"none\"", at.0)),
    }
}

fn number<N: TryFrom<u64>>(packet: &Map<String, Value>, name: &str, at: &Path) -> Result<Option<N>, String> {
    let Some(value) = packet.get(name) else { return Ok(None) };
    match value.as_u64().map(N::try_from) {
        Some(Ok(number)) => Ok(Some(number)),
        _ => {
            let bits = size_of::<N>().saturating_mul(8);
            at.field(name).expected(&format!("a number of {bits} bits, but is {value}"))
        }
    }
}

fn string(value: &Value, at: &Path) -> Result<Vec<u8>, String> {
    let Value::String(text) = value else { return at.expected("a string") };
    from_latin1(text).map_err(|character| {
        format!(
            "{}: '{}' (U+{:04X}) stands for no byte; strings are latin-1: one character U+0000 to U+00FF for each byte",
            at.0,
            character.escape_debug(),
            u32::from(character)
        )
    })
}

/// Returns the bytes that [`Latin1`](uwsgi_inspect::Latin1) prints as this text. The error is the first character above U+00FF.
fn from_latin1(text: &str) -> Result<Vec<u8>, char> {
    text.chars().map(|character| u8::try_from(character).map_err(|_| character)).collect()
}

#[cfg(test)]
mod tests {
    use uwsgi_inspect::Latin1;

    use super::*;

    #[test]
    fn latin1_has_a_character_for_every_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_latin1(&Latin1(&all).to_string()), Ok(all));
        assert_eq!(from_latin1("é☕"), Err('☕'));
    }
}
