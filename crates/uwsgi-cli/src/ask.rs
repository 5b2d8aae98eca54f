//! `uwsgictl request`.

use core::fmt::Display;
use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::time::Instant;

use uwsgi::response::ResponseHead;
use uwsgi::{Modifier1, Packet};

use crate::args;
use crate::body::BodyArgs;
use crate::encode;
use crate::escape::Escaped;
use crate::output::{self, FAINT, Failure, NAME, Sink, Status};
use crate::request::{self, Told};
use crate::to::{self, To};
use crate::upload::Upload;

/// Send a request, and print the answer: curl for uwsgi
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The request is the one that `uwsgictl encode` makes of the URL; a path alone stands for http://localhost. -X, -H, -d, -I, -i, \
-o, -T, --fail and -v are curl's. The answer is printed as it comes, while the body is still being sent; chunks are taken \
apart. An answer that ends early is an error, and so is one that breaks the rules.

uwsgi says a body's length before the body. -T knows that of a file; of a pipe it keeps up to 64 MiB to learn it, unless \
-H 'Content-Length: N' says it. No more than the length is sent, and a body that ends before it is an error.

The exit status is 0 for any answer, 22 with --fail for a status of 400 and above, and 2 where there is no whole answer.

Examples:
  uwsgictl request --to 127.0.0.1:3031 http://example.com/hello?x=1
  uwsgictl request --to unix:/run/app.sock /status -i
  uwsgictl request --to /run/app.sock /form -d name=value -H 'X-Real-IP: 203.0.113.9' -v
  uwsgictl request --to @app /upload -T big.iso -o answer.txt --fail
  tar c . | uwsgictl request --to app:3031 /backup -T -
  uwsgictl request --to 127.0.0.1:3031 /admin --var REMOTE_USER=alice --var HTTPS=on")]
pub(crate) struct Args {
    /// The URL (http:// or https://), or a path that begins with /
    #[arg(value_name = "URL")]
    url: OsString,

    #[command(flatten)]
    to: To,

    /// The method [default: GET; POST with -d, PUT with -T, HEAD with -I]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<OsString>,

    /// A header of the request; 'Name;' sends it empty, 'Name:' leaves out one that is sent by default
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<OsString>,

    #[command(flatten)]
    body: BodyArgs,

    /// Send this file as the body, as it is; - is standard input
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with_all = BodyArgs::IDS)]
    upload_file: Option<PathBuf>,

    /// Ask for the head alone, and print it
    #[arg(short = 'I', long, conflicts_with_all = BodyArgs::IDS, conflicts_with = "upload_file")]
    head: bool,

    /// A var as it is, in place of those of the same key
    #[arg(long, value_name = "KEY=VALUE")]
    var: Vec<OsString>,

    /// Which handler the packet is for: a number, or a name such as wsgi, psgi, rack
    #[arg(long, value_name = "N|NAME", value_parser = args::modifier1, default_value = "0", hide_default_value = true)]
    modifier1: Modifier1,

    /// Its second modifier
    #[arg(long, value_name = "N", default_value_t = 0)]
    modifier2: u8,

    /// Print the answer's head too
    #[arg(short, long)]
    include: bool,

    /// Write the answer to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Exit with status 22 if the answer's status is 400 or above, and print no body
    #[arg(short, long)]
    fail: bool,

    /// Show on standard error what is sent, and the head of what comes
    #[arg(short, long)]
    verbose: bool,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let upload = upload(args)?;
    let packet = packet(args, upload.as_ref().map(|upload| upload.length))?;
    let mut client = args.to.client()?;
    if args.verbose {
        show_request(&args.to.to, &packet)?;
    }

    let start = Instant::now();
    // What came before the final head, printed once it is known where to.
    let mut interim = Vec::new();
    let body: Box<dyn io::Read> = match upload {
        Some(upload) => upload.body,
        None => Box::new(io::empty()),
    };
    let mut response = client.request_with_interim(&packet, body, |head| {
        interim.extend(lines(head));
        interim.extend_from_slice(b"\r\n");
        if args.verbose {
            show_head(head);
        }
    })?;
    let status = response.status();
    if args.verbose {
        show_head(response.head());
    }
    if args.fail && status >= 400 {
        output::complain(&format!("{}: the answer's status is {status}", args.to.to));
        return Ok(Status::HttpError);
    }

    let mut out = Sink::open(args.output.as_deref())?;
    if args.include || args.head {
        out.write(&interim)?;
        out.write(&lines(response.head()))?;
        out.write(b"\r\n")?;
    }
    let count = if status == 101 {
        let mut pipe = BufReader::new(response.into_pipe());
        to::copy(&mut pipe, &mut out, |pipe, error| pipe.get_ref().explain(error))?
    } else {
        to::copy(&mut response, &mut out, uwsgi_io::Response::explain)?
    };
    if args.verbose {
        tell(&format_args!("{FAINT}* {count} bytes of body, after {:.3?}{FAINT:#}", start.elapsed()));
    }
    Ok(Status::Done)
}

fn upload(args: &Args) -> Result<Option<Upload>, Failure> {
    match &args.upload_file {
        Some(file) => Upload::open(file, told_length(&args.header)?).map(Some),
        None => Ok(args.body.read()?.map(Upload::of)),
    }
}

/// What `-H` says about the length.
fn told_length(headers: &[OsString]) -> Result<Option<u64>, Failure> {
    for header in headers {
        let text = String::from_utf8_lossy(header.as_encoded_bytes());
        match text.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") && !value.trim().is_empty() => {
                return uwsgi::framing::content_length(value.trim().as_bytes())
                    .map_err(|error| Failure::Refused(format!("-H '{}': {error}", Escaped(text.as_bytes()))));
            }
            _ => {}
        }
    }
    Ok(None)
}

fn packet(args: &Args, length: Option<u64>) -> Result<Vec<u8>, Failure> {
    let url = request::url(&args.url)?;
    let pairs: Vec<_> = args.var.iter().map(|var| encode::pair(var)).collect::<Result<_, _>>()?;
    let told = Told {
        method: args.request.as_deref(),
        default_method: match (&args.upload_file, length) {
            _ if args.head => "HEAD",
            (Some(_), _) => "PUT",
            (None, Some(_)) => "POST",
            (None, None) => "GET",
        },
        headers: &args.header,
        length,
        form: args.upload_file.is_none(),
    };
    request::packet(&told, &url, &pairs, args.modifier1, args.modifier2)
}

/// The lines of a head, without the empty one, as HTTP has them.
fn lines(head: &ResponseHead<'_>) -> Vec<u8> {
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

/// The packet on standard error, a var a line.
fn show_request(address: &str, packet: &[u8]) -> Result<(), Failure> {
    let broken = |error: uwsgi::DecodeError| Failure::Refused(format!("the request could not be read back: {error}"));
    let (packet, _) = Packet::decode(packet).map_err(broken)?;
    let vars = packet.vars().map_err(broken)?;
    tell(&format_args!("{FAINT}* to {address}{FAINT:#}"));
    tell(&format_args!(
        "> modifier1 {:?}, modifier2 {}, datasize {}, {} vars",
        packet.modifier1(),
        packet.modifier2(),
        packet.datasize(),
        vars.len()
    ));
    for (key, value) in vars.iter() {
        tell(&format_args!("> {NAME}{}{NAME:#}={}", Escaped(key), Escaped(value)));
    }
    Ok(())
}

fn show_head(head: &ResponseHead<'_>) {
    for line in lines(head).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        tell(&format_args!("< {}", Escaped(line.strip_suffix(b"\r").unwrap_or(line))));
    }
    tell(&"<");
}

fn tell(line: &dyn Display) {
    // Where standard error cannot be written, the answer still can.
    let _unheard = writeln!(anstream::stderr().lock(), "{line}");
}
