//! A manual page of a command.

use std::io;

use clap::Command;
use clap_mangen::Man;

/// A page and the name of its file.
pub(super) struct Page {
    pub(super) file: String,
    pub(super) text: Vec<u8>,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The definition of the apostrophe that the texts of `clap_mangen` use. After it and the title, lines are not stretched and words
/// are not hyphenated, so that names and commands can be copied.
const START: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// Appends the page of a command, and the pages of its own commands. `parent` is the name of the page of the command above.
pub(super) fn all(command: &Command, parent: Option<&str>, pages: &mut Vec<Page>) -> io::Result<()> {
    let man = Man::new(command.clone());
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut text = START.as_bytes().to_vec();
    text.extend_from_slice(format!(".TH {name} 1 \"\" \"uwsgictl {VERSION}\" \"uwsgictl\"\n.ad l\n.nh\n").as_bytes());
    man.render_name_section(&mut text)?;
    let help = Help::parse(&command.get_after_help().map(ToString::to_string).unwrap_or_default());
    synopsis(command, &mut text);
    let about = vec![vec![command.get_about().map(ToString::to_string).unwrap_or_default()]];
    section("DESCRIPTION", if help.description.is_empty() { &about } else { &help.description }, &mut text);
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    section("EXIT STATUS", &help.status, &mut text);
    section("ENVIRONMENT", &help.environment, &mut text);
    section("EXAMPLES", &help.examples, &mut text);
    if let Some(parent) = parent {
        text.extend_from_slice(format!(".SH \"SEE ALSO\"\n.BR {} (1)\n", escape(parent)).as_bytes());
    }
    pages.push(Page { file: man.get_filename(), text: with_ascii_characters(&text) });
    command.get_subcommands().try_for_each(|inner| all(inner, Some(name), pages))
}

/// Lines without an empty line between them.
type Block = Vec<String>;

/// The text after the options in `--help`, by the sections of a manual page.
#[derive(Debug, Default)]
struct Help {
    description: Vec<Block>,
    status: Vec<Block>,
    environment: Vec<Block>,
    examples: Vec<Block>,
}

impl Help {
    fn parse(text: &str) -> Self {
        let mut help = Self::default();
        for block in text.split("\n\n").map(|block| block.lines().map(str::to_owned).collect::<Block>()) {
            let Some(first) = block.first() else { continue };
            let (section, has_heading) = match first.as_str() {
                "Exit status:" => (&mut help.status, true),
                "Environment:" => (&mut help.environment, true),
                "Examples:" => (&mut help.examples, true),
                line if line.starts_with("The exit status is ") => (&mut help.status, false),
                // The lines of a configuration belong to the example before them.
                line if line.starts_with("and in ") => (&mut help.examples, false),
                _ => (&mut help.description, false),
            };
            section.push(block.into_iter().skip(usize::from(has_heading)).collect());
        }
        help
    }
}

/// Writes how the command is called, as `--help` does.
fn synopsis(command: &Command, text: &mut Vec<u8>) {
    text.extend_from_slice(b".SH SYNOPSIS\n");
    let usage = command.clone().render_usage().to_string();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    for (index, line) in usage.trim_start_matches("Usage:").lines().map(str::trim).enumerate() {
        let arguments = line.strip_prefix(name).unwrap_or(line);
        let before = if index > 0 { ".br\n" } else { "" };
        text.extend_from_slice(format!("{before}\\fB{}\\fR{}\n", escape(name), escape(arguments)).as_bytes());
    }
}

/// Writes a section, unless it is empty.
fn section(heading: &str, blocks: &[Block], text: &mut Vec<u8>) {
    if !blocks.is_empty() {
        text.extend_from_slice(format!(".SH \"{heading}\"\n").as_bytes());
        blocks.iter().for_each(|block| write_block(block, text));
    }
}

/// Writes a block. Indented lines stay as they are; others are filled.
fn write_block(block: &Block, text: &mut Vec<u8>) {
    text.extend_from_slice(b".PP\n");
    let mut is_kept = false;
    for line in block {
        let kept = line.strip_prefix("  ");
        if kept.is_some() != is_kept {
            is_kept = kept.is_some();
            text.extend_from_slice(if is_kept { b".nf\n" } else { b".fi\n" });
        }
        text.extend_from_slice(escape(kept.unwrap_or(line)).as_bytes());
        text.push(b'\n');
    }
    if is_kept {
        text.extend_from_slice(b".fi\n");
    }
}

/// Escapes a line for roff.
fn escape(line: &str) -> String {
    let escaped = line.replace('\\', "\\(rs").replace('-', "\\-").replace('\'', "\\(aq");
    // A control line begins with a dot.
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}

/// Makes roff print the characters of ASCII that it would replace by typographic ones.
fn with_ascii_characters(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replace('`', "\\(ga").replace('~', "\\(ti").replace('^', "\\(ha").into_bytes()
}
