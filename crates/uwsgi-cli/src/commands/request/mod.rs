//! `uwsgictl request`.

mod args;
mod upload;

use core::fmt::Display;
use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::time::Instant;

use uwsgi::Packet;
use uwsgi::response::ResponseHead;
use uwsgi_inspect::Escaped;
use uwsgi_io::Client;

pub(crate) use self::args::Args;
use self::upload::Upload;
use crate::exit::{Failure, Status};
use crate::files::Output;
use crate::http_probe;
use crate::messages::{self, FAINT, NAME};
use crate::options::Pair;
use crate::request_packet::{RequestOptions, Url, VarSyntax};

/// Sends the request and prints the answer.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let upload = upload(args)?;
    let packet = packet(args, upload.as_ref().map(|upload| upload.length))?;
    let client = args.server.client()?;
    if args.verbose {
        show_request(&args.server.address, &packet)?;
    }
    let failure = match exchange(args, client, &packet, upload) {
        Ok(()) => return Ok(Status::Success),
        Err(Failure::OutputClosed) => {
            Failure::Unwritten("standard output was closed before the end of the answer".to_owned())
        }
        Err(Failure::Output(message)) => Failure::Unwritten(message),
        Err(other) => other,
    };
    if args.silent && !args.show_error {
        return Ok(failure.into_parts().1);
    }
    Err(failure)
}

/// Sends the request, and prints the answer as it arrives.
fn exchange(args: &Args, mut client: Client, packet: &[u8], upload: Option<Upload>) -> Result<(), Failure> {
    let start = Instant::now();
    // Interim heads (1xx) are kept until the output is open. It is opened after the final head.
    let mut interim = Vec::new();
    let body: Box<dyn io::Read> = match upload {
        Some(upload) => upload.body,
        None => Box::new(io::empty()),
    };
    let sent = client.request_with_interim(packet, body, |head| {
        interim.extend(head_lines(head));
        interim.extend_from_slice(b"\r\n");
        if args.verbose {
            show_head(head);
        }
    });
    let mut response = sent.map_err(|error| http_probe::failure(&error).unwrap_or_else(|| error.into()))?;
    let status = response.status();
    if args.verbose {
        show_head(response.head());
    }
    if args.fail && status >= 400 {
        return Err(Failure::HttpError(format!("{}: the answer's status is {status}", args.server.address)));
    }

    // Servers of HTTP have a date in each answer; behind uwsgi the front end adds it.
    let may_be_http = status == 400 && response.head().headers().any(|(name, _)| name.eq_ignore_ascii_case(b"date"));

    let mut out = Output::open(args.output.as_deref())?;
    if args.include || args.head {
        out.write(&interim)?;
        out.write(&head_lines(response.head()))?;
        out.write(b"\r\n")?;
    }
    let count = if status == 101 {
        let mut pipe = BufReader::new(response.into_pipe());
        out.copy(&mut pipe, |pipe, error| pipe.get_ref().explain(error))?
    } else {
        out.copy(&mut response, uwsgi_io::Response::explain)?
    };
    if args.verbose {
        print_verbose(&format_args!("{FAINT}* {count} bytes of body, after {:.3?}{FAINT:#}", start.elapsed()));
    }
    if may_be_http && !args.silent && http_probe::speaks_http(&args.server.address) {
        messages::note(&format!("{}: {}", args.server.address, http_probe::MESSAGE));
    }
    Ok(())
}

/// Opens the body that `-T`, `-d`, `--data-binary` or `--data-raw` gives.
fn upload(args: &Args) -> Result<Option<Upload>, Failure> {
    match &args.upload_file {
        Some(file) => Upload::open(file, declared_length(&args.headers.headers)?).map(Some),
        None => Ok(args.body.read()?.map(Upload::from_bytes)),
    }
}

/// Returns the length that `-H` declares.
fn declared_length(headers: &[OsString]) -> Result<Option<u64>, Failure> {
    for header in headers {
        let text = String::from_utf8_lossy(header.as_encoded_bytes());
        match text.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") && !value.trim().is_empty() => {
                return uwsgi::framing::content_length(value.trim().as_bytes())
                    .map_err(|error| Failure::Failed(format!("-H '{}': {error}", Escaped(text.as_bytes()))));
            }
            _ => {}
        }
    }
    Ok(None)
}

fn packet(args: &Args, length: Option<u64>) -> Result<Vec<u8>, Failure> {
    let url = Url::parse_or_path(&args.url)?;
    let pairs = Pair::split_all(&args.var, "--var ")?;
    let options = RequestOptions {
        method: args.request.as_deref(),
        default_method: match (&args.upload_file, length) {
            _ if args.head => "HEAD",
            (Some(_), _) => "PUT",
            (None, Some(_)) => "POST",
            (None, None) => "GET",
        },
        headers: &args.headers,
        length,
        is_form: args.upload_file.is_none(),
        vars: VarSyntax::Option,
    };
    options.packet(&url, &pairs, args.modifier1, args.modifier2)
}

/// Returns the lines of a head as HTTP writes them, without the empty line at the end.
fn head_lines(head: &ResponseHead<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| text.extend_from_slice(part));
        text.extend_from_slice(b"\r\n");
    };
    if let Some(version) = head.version() {
        line(&[version, b" ", head.status().to_string().as_bytes(), b" ", head.reason()]);
    }
    head.headers().for_each(|(name, value)| line(&[name, b": ", value]));
    text
}

/// Prints the packet on standard error, one var on each line.
fn show_request(address: &str, packet: &[u8]) -> Result<(), Failure> {
    let unreadable =
        |error: uwsgi::DecodeError| Failure::Failed(format!("the request could not be read back: {error}"));
    let (packet, _) = Packet::decode(packet).map_err(unreadable)?;
    let vars = packet.vars().map_err(unreadable)?;
    print_verbose(&format_args!("{FAINT}* to {address}{FAINT:#}"));
    print_verbose(&format_args!(
        "> modifier1 {:?}, modifier2 {}, datasize {}, {} vars",
        packet.modifier1(),
        packet.modifier2(),
        packet.datasize(),
        vars.len()
    ));
    for (key, value) in vars.iter() {
        print_verbose(&format_args!("> {NAME}{}{NAME:#}={}", Escaped(key), Escaped(value)));
    }
    Ok(())
}

fn show_head(head: &ResponseHead<'_>) {
    for line in head_lines(head).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        print_verbose(&format_args!("< {}", Escaped(line.strip_suffix(b"\r").unwrap_or(line))));
    }
    print_verbose(&"<");
}

/// Prints a line of `--verbose` on standard error.
fn print_verbose(line: &dyn Display) {
    // If standard error cannot be written, the answer is printed all the same.
    let _unwritten = writeln!(anstream::stderr().lock(), "{line}");
}
