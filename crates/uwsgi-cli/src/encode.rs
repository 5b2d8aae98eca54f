//! `uwsgictl encode`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use uwsgi::{ArrayEncoder, EncodeError, Modifier1, Packet, VarsEncoder};

use crate::args::{EncodeArgs, WrittenForm};
use crate::escape::Escaped;
use crate::import;
use crate::output::{self, Failure};
use crate::request;

/// A KEY=VALUE argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    argument: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl Pair<'_> {
    pub(crate) fn push_to(&self, encoder: &mut VarsEncoder<'_, Vec<u8>>) -> Result<(), Failure> {
        encoder.push_raw(self.key, self.value).map_err(|error| refused(start(self.argument), error))
    }
}

/// Puts all bytes together before the first is written, so that nothing half done is left behind.
pub(crate) fn run(args: &EncodeArgs) -> Result<(), Failure> {
    let bytes = match (&args.json, args.payload) {
        (Some(file), _) => json(file)?,
        (None, Some(WrittenForm::Array)) => array(args)?,
        (None, Some(WrittenForm::Raw)) => raw(args)?,
        (None, Some(WrittenForm::Vars) | None) => vars(args)?,
    };
    if args.hex {
        output::write(args.output.as_deref(), crate::hex::encode(&bytes).as_bytes(), true)
    } else {
        output::write(args.output.as_deref(), &bytes, false)
    }
}

/// Names what an argument did that an encoder refused.
pub(crate) fn refused(what: &[u8], error: EncodeError) -> Failure {
    Failure::Refused(format!("{}: {error}", Escaped(what)))
}

fn json(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = output::name(file);
    let imported =
        import::packets(&output::read(file)?).map_err(|message| Failure::Malformed(format!("{name}: {message}")))?;
    if let Some(message) = &imported.error {
        let packets = imported.packets;
        output::note(&format!("{name}: the decoded input broke off behind the {packets} packets here: {message}"));
    }
    if imported.bodies > 0 {
        output::note(&format!("{name}: the packets had {} bytes of bodies, which JSON leaves out", imported.bodies));
    }
    Ok(imported.bytes)
}

fn array(args: &EncodeArgs) -> Result<Vec<u8>, Failure> {
    without_request(args)?;
    let mut bytes = Vec::new();
    let mut items = ArrayEncoder::new(&mut bytes);
    for item in &args.arguments {
        let item = item.as_encoded_bytes();
        items.push(item).map_err(|error| refused(start(item), error))?;
    }
    finished(items.finish(modifier1(args), modifier2(args)).map(|_| ()))?;
    Ok(bytes)
}

fn raw(args: &EncodeArgs) -> Result<Vec<u8>, Failure> {
    without_request(args)?;
    let payload = match args.arguments.as_slice() {
        [] => &[],
        [payload] => payload.as_encoded_bytes(),
        _ => return Err(Failure::Refused("--payload raw takes one argument, the whole payload".to_owned())),
    };
    let mut bytes = Vec::new();
    let packet = Packet::new(modifier1(args), modifier2(args), payload);
    finished(packet.and_then(|packet| packet.encode(&mut bytes).map(|_| ())))?;
    Ok(bytes)
}

fn vars(args: &EncodeArgs) -> Result<Vec<u8>, Failure> {
    let is_url = |argument: &&OsString| request::is_url(argument.as_encoded_bytes());
    let mut urls = args.arguments.iter().filter(is_url);
    let pairs: Vec<_> = args
        .arguments
        .iter()
        .filter(|argument| !is_url(argument))
        .map(|argument| pair(argument))
        .collect::<Result<_, _>>()?;
    match (urls.next(), urls.next()) {
        (Some(url), None) => request::encode(args, url, &pairs, modifier1(args), modifier2(args)),
        (Some(_), Some(second)) => Err(Failure::Refused(format!(
            "a second URL, {}: one request is encoded at a time",
            Escaped(second.as_encoded_bytes())
        ))),
        (None, _) => {
            without_request(args)?;
            if pairs.is_empty() && args.modifier1.is_none() && args.payload.is_none() {
                return Err(Failure::Refused(
                    "nothing to encode: give KEY=VALUE pairs, a URL or --json FILE (or --modifier1 for an empty packet); \
                     see uwsgictl encode --help"
                        .to_owned(),
                ));
            }
            let mut bytes = Vec::new();
            let mut encoder = VarsEncoder::new(&mut bytes);
            for pair in pairs {
                pair.push_to(&mut encoder)?;
            }
            finished(encoder.finish(modifier1(args), modifier2(args)).map(|_| ()))?;
            Ok(bytes)
        }
    }
}

/// What belongs to a request with a URL, where there is none.
fn without_request(args: &EncodeArgs) -> Result<(), Failure> {
    if args.header.is_empty() && args.body.is_empty() && args.request.is_none() && !args.head {
        return Ok(());
    }
    Err(Failure::Refused("-H, -d, -X and -I belong to a URL: give one that begins with http:// or https://".to_owned()))
}

pub(crate) fn pair(argument: &OsStr) -> Result<Pair<'_>, Failure> {
    let bytes = argument.as_encoded_bytes();
    let mut halves = bytes.splitn(2, |byte| *byte == b'=');
    match (halves.next(), halves.next()) {
        (Some(key), Some(value)) => Ok(Pair { argument: bytes, key, value }),
        _ => Err(Failure::Refused(format!(
            "{}: neither KEY=VALUE nor a URL that begins with http:// or https://",
            Escaped(start(bytes))
        ))),
    }
}

/// Enough of an argument to know it again.
fn start(bytes: &[u8]) -> &[u8] {
    bytes.get(..40).unwrap_or(bytes)
}

fn finished(result: Result<(), EncodeError>) -> Result<(), Failure> {
    result.map_err(|error| Failure::Refused(error.to_string()))
}

fn modifier1(args: &EncodeArgs) -> Modifier1 {
    args.modifier1.unwrap_or(Modifier1::WSGI)
}

fn modifier2(args: &EncodeArgs) -> u8 {
    args.modifier2.unwrap_or(0)
}
