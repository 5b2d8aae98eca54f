//! `uwsgictl decode`.

use core::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::args::DecodeArgs;
use crate::document::{self, Wrong};
use crate::excerpt::Excerpt;
use crate::fault::Fault;
use crate::hex::{self, NotHex};
use crate::output::{self, Failure, HINT, Status};
use crate::report::Report;
use crate::stream::Stream;

/// Decodes every file; the worst of them decides about the exit status.
pub(crate) fn run(args: &DecodeArgs) -> Result<Status, Failure> {
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    let mut worst = Status::Done;
    for (place, file) in files.iter().enumerate() {
        let status = match output::read(file) {
            Ok(bytes) if args.json => json(args, file, bytes)?,
            Ok(bytes) => text(args, file, bytes, Some(place).filter(|_| files.len() > 1))?,
            // The others may still be read.
            Err(Failure::Refused(message)) => {
                output::complain(&message);
                Status::Failed
            }
            Err(other) => return Err(other),
        };
        worst = worst.max(status);
    }
    Ok(worst)
}

/// The bytes of the packets: what was read, or what its hex digits spell.
fn input(args: &DecodeArgs, read: Vec<u8>) -> Result<Vec<u8>, NotHex> {
    if args.hex { hex::decode(&read) } else { Ok(read) }
}

/// One document.
fn json(args: &DecodeArgs, file: &Path, read: Vec<u8>) -> Result<Status, Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let input = match input(args, read) {
        Ok(input) => input,
        Err(error) => {
            let message = format!("{}: {}", output::name(file), error.message);
            document::write(&mut out, &[], Some(&Wrong::new("hex", error.offset, None, &message)))?;
            return Ok(Status::Malformed);
        }
    };
    let mut found = Vec::new();
    let mut fault = None;
    for packet in Stream::new(&input, args.form(), args.body) {
        match packet {
            Ok(packet) => found.push(packet),
            Err(wrong) => fault = Some(wrong),
        }
    }
    let Some(fault) = fault else {
        document::write(&mut out, &found, None)?;
        return Ok(Status::Done);
    };
    let message = match fault.advice() {
        Some(advice) => format!("{}; {advice}", fault.message),
        None => fault.message,
    };
    document::write(&mut out, &found, Some(&Wrong::new(fault.kind, fault.offset, fault.needed, &message)))?;
    Ok(Status::Malformed)
}

/// A table, and on standard error what was wrong. Among several files, each has a place and a heading.
fn text(args: &DecodeArgs, file: &Path, read: Vec<u8>, place: Option<usize>) -> Result<Status, Failure> {
    let input = match input(args, read) {
        Ok(input) => input,
        Err(error) => {
            output::complain(&format!("{}: {}", output::name(file), error.message));
            return Ok(Status::Malformed);
        }
    };
    let mut report = Report::new(BufWriter::new(anstream::stdout().lock()));
    if let Some(place) = place {
        report.file(&output::name(file), input.len(), place > 0)?;
    }
    if input.is_empty() {
        report.empty()?;
    }
    let mut fault = None;
    for packet in Stream::new(&input, args.form(), args.body) {
        match packet {
            Ok(packet) => report.packet(&packet)?,
            Err(wrong) => {
                report.broken(&input, &wrong, args.form())?;
                fault = Some(wrong);
            }
        }
    }
    // Before the complaint, so that on a terminal it comes last.
    report.into_inner().flush()?;
    let Some(fault) = fault else { return Ok(Status::Done) };
    complain(file, &input, &fault);
    Ok(Status::Malformed)
}

/// What was wrong, the bytes around it, and what to do.
fn complain(file: &Path, input: &[u8], fault: &Fault) {
    let mut message = format!("{}: {}\n{}", output::name(file), fault.message, Excerpt { input, offset: fault.offset });
    for advice in fault.advice().iter().map(String::as_str).chain(fault.hints.iter().copied()) {
        // A `String` takes all that is written to it.
        let _always = writeln!(message, "  {HINT}hint:{HINT:#} {advice}");
    }
    output::complain(message.trim_end());
}
