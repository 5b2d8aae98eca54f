//! `uwsgictl encode`.

mod args;
mod json;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use uwsgi::{ArrayEncoder, EncodeError, Packet, VarsEncoder};
use uwsgi_inspect::Escaped;

pub(crate) use self::args::Args;
use self::args::Form;
use crate::exit::{Failure, Status};
use crate::options::{Pair, argument_start};
use crate::request_packet::{RequestOptions, Url, VarSyntax, is_url};
use crate::{files, hex, messages};

/// Encodes everything before it writes the first byte, so that a failure leaves no partial output.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let bytes = match (&args.json, args.payload) {
        (Some(file), _) => from_json(file)?,
        (None, Some(Form::Array)) => array(args)?,
        (None, Some(Form::Raw)) => raw(args)?,
        (None, Some(Form::Vars) | None) => vars(args)?,
    };
    let path = args.output.as_deref();
    if args.hex {
        files::write_text(path, hex::encode(&bytes).as_bytes())?;
    } else {
        files::write_packet(path, &bytes)?;
    }
    Ok(Status::Success)
}

fn from_json(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = files::name(file);
    let imported =
        json::packets(&files::read(file)?).map_err(|message| Failure::Malformed(format!("{name}: {message}")))?;
    if let Some(message) = &imported.error {
        let packets = imported.packets;
        messages::note(&format!("{name}: the decoded input was malformed after packet {packets}: {message}"));
    }
    if imported.body_bytes > 0 {
        messages::note(&format!(
            "{name}: the packets had {} bytes of bodies, which JSON does not contain",
            imported.body_bytes
        ));
    }
    Ok(imported.bytes)
}

fn array(args: &Args) -> Result<Vec<u8>, Failure> {
    refuse_request_options(args)?;
    let mut bytes = Vec::new();
    let mut items = ArrayEncoder::new(&mut bytes);
    for item in &args.arguments {
        let item = item.as_encoded_bytes();
        items.push(item).map_err(|error| Failure::encode(argument_start(item), error))?;
    }
    items.finish(args.modifier1(), args.modifier2()).map_err(failed)?;
    Ok(bytes)
}

fn raw(args: &Args) -> Result<Vec<u8>, Failure> {
    refuse_request_options(args)?;
    let payload = match args.arguments.as_slice() {
        [] => &[],
        [payload] => payload.as_encoded_bytes(),
        _ => return Err(Failure::Failed("--payload raw takes one argument, the whole payload".to_owned())),
    };
    let mut bytes = Vec::new();
    let packet = Packet::new(args.modifier1(), args.modifier2(), payload).map_err(failed)?;
    packet.encode(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Encodes pairs: those of a URL's request, or the arguments alone.
fn vars(args: &Args) -> Result<Vec<u8>, Failure> {
    let is_url = |argument: &&OsString| is_url(argument.as_encoded_bytes());
    let mut urls = args.arguments.iter().filter(is_url);
    let pairs: Vec<_> = args
        .arguments
        .iter()
        .filter(|argument| !is_url(argument))
        .map(|argument| Pair::split(argument).ok_or_else(|| neither_pair_nor_url(argument)))
        .collect::<Result<_, _>>()?;
    match (urls.next(), urls.next()) {
        (Some(url), None) => request(args, url, &pairs),
        (Some(_), Some(second)) => Err(Failure::Failed(format!(
            "a second URL, {}: the command encodes one request at a time",
            Escaped(second.as_encoded_bytes())
        ))),
        (None, _) => {
            refuse_request_options(args)?;
            if pairs.is_empty() && args.modifier1.is_none() && args.payload.is_none() {
                return Err(Failure::Failed(
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
            encoder.finish(args.modifier1(), args.modifier2()).map_err(failed)?;
            Ok(bytes)
        }
    }
}

fn neither_pair_nor_url(argument: &OsStr) -> Failure {
    let start = Escaped(argument_start(argument.as_encoded_bytes()));
    Failure::Failed(format!("{start}: neither KEY=VALUE nor a URL that begins with http:// or https://"))
}

/// Encodes the request of a URL: the packet, and the body after it.
fn request(args: &Args, url: &OsStr, pairs: &[Pair<'_>]) -> Result<Vec<u8>, Failure> {
    // The URL comes first: if it is wrong, the command does not wait for a body on standard input.
    let url = Url::parse(url)?;
    let body = args.body.read()?;
    let length = body.as_ref().map(Vec::len);
    let options = RequestOptions::form(args.request.as_ref(), args.head, &args.headers, length, VarSyntax::Argument);
    let mut bytes = options.packet(&url, pairs, args.modifier1(), args.modifier2())?;
    bytes.extend(body.unwrap_or_default());
    Ok(bytes)
}

/// Fails if an option is given that is only for the request of a URL.
fn refuse_request_options(args: &Args) -> Result<(), Failure> {
    if !args.has_request_options() {
        return Ok(());
    }
    Err(Failure::Failed("-H, -u, -d, -X and -I need a URL: give one that begins with http:// or https://".to_owned()))
}

fn failed(error: EncodeError) -> Failure {
    Failure::Failed(error.to_string())
}
