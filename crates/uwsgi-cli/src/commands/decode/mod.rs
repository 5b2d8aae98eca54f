//! `uwsgictl decode`.

mod args;
mod document;
mod excerpt;
mod fault;
mod packets;
mod table;

use core::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub(crate) use self::args::Args;
use self::document::ErrorDocument;
use self::excerpt::Excerpt;
use self::fault::Fault;
use self::packets::Packets;
use self::table::Table;
use crate::exit::{Failure, Status};
use crate::files;
use crate::hex::{self, HexError};
use crate::messages::{self, HINT};

/// Decodes every file, and returns the worst status.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    let mut worst = Status::Success;
    for (index, file) in files.iter().enumerate() {
        let status = match files::read(file) {
            Ok(bytes) if args.json => json(args, file, bytes)?,
            Ok(bytes) => text(args, file, bytes, Some(index).filter(|_| files.len() > 1))?,
            // The other files may be readable.
            Err(Failure::Failed(message)) => {
                messages::error(&message);
                Status::Failed
            }
            Err(other) => return Err(other),
        };
        worst = worst.max(status);
    }
    Ok(worst)
}

/// Returns the bytes of the packets: the file itself, or the bytes that its hex digits spell.
fn input(args: &Args, read: Vec<u8>) -> Result<Vec<u8>, HexError> {
    if args.hex { hex::decode(&read) } else { Ok(read) }
}

/// Prints the file as one document.
fn json(args: &Args, file: &Path, read: Vec<u8>) -> Result<Status, Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let input = match input(args, read) {
        Ok(input) => input,
        Err(error) => {
            let message = format!("{}: {}", files::name(file), error.message);
            document::write(&mut out, &[], Some(&ErrorDocument::new("hex", error.offset, None, &message)))?;
            return Ok(Status::Malformed);
        }
    };
    let mut packets = Vec::new();
    let mut fault = None;
    for packet in Packets::new(&input, args.form(), args.body) {
        match packet {
            Ok(packet) => packets.push(packet),
            Err(error) => fault = Some(error),
        }
    }
    let Some(fault) = fault else {
        document::write(&mut out, &packets, None)?;
        return Ok(Status::Success);
    };
    let message = match fault.advice() {
        Some(advice) => format!("{}; {advice}", fault.message),
        None => fault.message,
    };
    document::write(&mut out, &packets, Some(&ErrorDocument::new(fault.kind, fault.offset, fault.needed, &message)))?;
    Ok(Status::Malformed)
}

/// Prints the file as a table, and its fault on standard error. `index` is the index of the file if there are several. Each
/// file then has a heading.
fn text(args: &Args, file: &Path, read: Vec<u8>, index: Option<usize>) -> Result<Status, Failure> {
    let input = match input(args, read) {
        Ok(input) => input,
        Err(error) => {
            messages::error(&format!("{}: {}", files::name(file), error.message));
            return Ok(Status::Malformed);
        }
    };
    let mut table = Table::new(BufWriter::new(anstream::stdout().lock()));
    if let Some(index) = index {
        table.file(&files::name(file), input.len(), index > 0)?;
    }
    if input.is_empty() {
        table.empty()?;
    }
    let mut fault = None;
    for packet in Packets::new(&input, args.form(), args.body) {
        match packet {
            Ok(packet) => table.packet(&packet)?,
            Err(error) => {
                table.malformed_packet(&input, &error, args.form())?;
                fault = Some(error);
            }
        }
    }
    // The table is flushed first, so that the message comes last on a terminal.
    table.into_inner().flush()?;
    let Some(fault) = fault else { return Ok(Status::Success) };
    print_fault(file, &input, &fault);
    Ok(Status::Malformed)
}

/// Prints the fault, the bytes around it, and hints.
fn print_fault(file: &Path, input: &[u8], fault: &Fault) {
    let mut message = format!("{}: {}\n{}", files::name(file), fault.message, Excerpt { input, offset: fault.offset });
    for advice in fault.advice().iter().map(String::as_str).chain(fault.hints.iter().copied()) {
        // Writing to a `String` cannot fail.
        let _always = writeln!(message, "  {HINT}hint:{HINT:#} {advice}");
    }
    messages::error(message.trim_end());
}
