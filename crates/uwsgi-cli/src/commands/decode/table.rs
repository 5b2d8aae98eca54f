//! The table of packets for people.

use std::io::{self, Write};

use uwsgi::{Array, DecodeErrorKind, Header, Limits, Modifier1, PayloadForm, Vars};
use uwsgi_inspect::Escaped;

use super::args::Form;
use super::document::sha256;
use super::fault::Fault;
use super::packets::{DecodedPacket, Payload, items, pairs};
use crate::messages::{ERROR, FAINT, HEADING, NAME};

/// The maximum width of the column of keys. A longer key shifts only its own value.
const WIDEST_KEY: usize = 32;

/// Writes packets, with an empty line between two packets.
#[derive(Debug)]
pub(super) struct Table<W> {
    out: W,
    packets: usize,
}

impl<W: Write> Table<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, packets: 0 }
    }

    pub(super) fn into_inner(self) -> W {
        self.out
    }

    /// Writes the heading of a file. `gap` puts an empty line before it.
    pub(super) fn file(&mut self, name: &str, size: usize, gap: bool) -> io::Result<()> {
        if gap {
            writeln!(self.out)?;
        }
        let s = if size == 1 { "" } else { "s" };
        writeln!(self.out, "{HEADING}{name}{HEADING:#}, {size} byte{s}\n")
    }

    /// Writes the line for an empty input.
    pub(super) fn empty(&mut self) -> io::Result<()> {
        writeln!(self.out, "no packets: the input is empty")
    }

    /// Writes a packet.
    pub(super) fn packet(&mut self, found: &DecodedPacket<'_>) -> io::Result<()> {
        self.head(found.offset, "", &found.packet.header())?;
        let start = found.offset.saturating_add(Header::LEN);
        match &found.payload {
            Payload::Array(array) => {
                self.line("items", array.len())?;
                self.items(*array, start)?;
            }
            Payload::None => self.line("payload", "none")?,
            Payload::Raw(bytes) => {
                self.line("payload", "raw")?;
                self.raw(bytes, start)?;
            }
            Payload::Vars(vars) => {
                self.line("vars", vars.len())?;
                let all: Vec<_> = vars.iter().collect();
                self.pairs(&all, start)?;
            }
        }
        let body = &found.body;
        let (length, offset, framing) = (body.bytes.len(), body.offset, body.framing.as_str());
        if length == 0 {
            return self.line("body", format_args!("none ({framing})"));
        }
        let s = if length == 1 { "" } else { "s" };
        self.line("body", format_args!("{length} byte{s} at {offset} ({framing}), sha256 {}", sha256(body.bytes)))
    }

    /// Writes the part of a malformed packet before the fault.
    pub(super) fn malformed_packet(&mut self, input: &[u8], fault: &Fault, form: Form) -> io::Result<()> {
        let bytes = input.get(fault.packet..).unwrap_or_default();
        let Ok((header, rest)) = Header::decode(bytes) else { return Ok(()) };
        self.head(fault.packet, "malformed", &header)?;
        let block = rest.get(..usize::from(header.datasize)).unwrap_or(rest);
        let start = fault.packet.saturating_add(Header::LEN);
        let form = match form {
            Form::Auto => header.modifier1.payload_form(header.modifier2, header.datasize),
            Form::Answer => header.modifier1.answer_form(header.modifier2, header.datasize),
            Form::Array => PayloadForm::Array,
            Form::Vars => PayloadForm::Vars,
            Form::None | Form::Raw => PayloadForm::Raw,
        };
        match form {
            PayloadForm::Vars => {
                let good: Vec<_> = Vars::pairs(block, &Limits::wire()).map_while(Result::ok).collect();
                self.line("vars", format_args!("{} before the fault", good.len()))?;
                self.pairs(&good, start)
            }
            PayloadForm::Array => {
                let good = good_items(block);
                self.line("items", format_args!("{} before the fault", good.map_or(0, |good| good.len())))?;
                good.map_or(Ok(()), |good| self.items(good, start))
            }
            _ if block.is_empty() => Ok(()),
            _ => {
                self.line("payload", "raw")?;
                self.raw(block, start)
            }
        }
    }

    fn head(&mut self, offset: usize, state: &str, header: &Header) -> io::Result<()> {
        if self.packets > 0 {
            writeln!(self.out)?;
        }
        self.packets = self.packets.saturating_add(1);
        write!(self.out, "{HEADING}packet at {offset}{HEADING:#}")?;
        if !state.is_empty() {
            write!(self.out, " {ERROR}{state}{ERROR:#}")?;
        }
        writeln!(self.out)?;
        let Modifier1(number) = header.modifier1;
        match (header.modifier1.name(), header.modifier1.meaning()) {
            (Some(name), Some(meaning)) => {
                self.line("modifier1", format_args!("{number} {NAME}{name}{NAME:#} {FAINT}{meaning}{FAINT:#}"))?;
            }
            _ => self.line("modifier1", format_args!("{number} {FAINT}no meaning known{FAINT:#}"))?,
        }
        self.line("modifier2", header.modifier2)?;
        self.line("datasize", header.datasize)
    }

    fn line(&mut self, name: &str, value: impl core::fmt::Display) -> io::Result<()> {
        writeln!(self.out, "  {name:<10} {value}")
    }

    fn pairs(&mut self, vars: &[(&[u8], &[u8])], start: usize) -> io::Result<()> {
        let keys = vars.iter().map(|(key, _)| Escaped(key).to_string().chars().count());
        let width = keys.filter(|width| *width <= WIDEST_KEY).max().unwrap_or(0);
        for pair in pairs(vars.iter().copied(), start) {
            let key = Escaped(pair.key).to_string();
            write!(self.out, "  {FAINT}{:>8}{FAINT:#}  {NAME}{key}{NAME:#}", pair.offset)?;
            if !pair.value.is_empty() {
                let gap = width.saturating_sub(key.chars().count());
                write!(self.out, "{:gap$}  {}", "", Escaped(pair.value))?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn items(&mut self, array: Array<'_>, start: usize) -> io::Result<()> {
        for (offset, item) in items(array, start) {
            write!(self.out, "  {FAINT}{offset:>8}{FAINT:#}")?;
            if !item.is_empty() {
                write!(self.out, "  {}", Escaped(item))?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn raw(&mut self, bytes: &[u8], start: usize) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "  {FAINT}{start:>8}{FAINT:#}  {}", Escaped(bytes))
    }
}

/// Returns the items before the malformed one.
fn good_items(block: &[u8]) -> Option<Array<'_>> {
    let end = match Array::decode(block) {
        Ok(array) => return Some(array),
        // The offset of this error is that of the item, which follows its length of two bytes.
        Err(error) if error.kind() == DecodeErrorKind::ItemOverrun => error.offset().saturating_sub(2),
        Err(error) => error.offset(),
    };
    Array::decode(block.get(..end)?).ok()
}
