//! `uwsgictl man`.

use std::path::PathBuf;

use clap_mangen::Man;

use crate::exit::{Failure, Status};
use crate::files;

/// Print the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  uwsgictl man | man -l -
  uwsgictl man --dir ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Write a page for uwsgictl and one for each command into this directory; make the directory if it does not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Writes the pages of `command`, which is the whole command line: each into its file, or all to standard output.
pub(crate) fn run(args: &Args, command: clap::Command) -> Result<Status, Failure> {
    let mut command = command.disable_help_subcommand(true);
    // Gives the commands their full names.
    command.build();
    let commands: Vec<_> = command.get_subcommands().cloned().collect();
    let directory = args.dir.as_deref();
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(|error| {
            Failure::Failed(format!("cannot make the directory {}: {error}", files::name(directory)))
        })?;
    }
    let mut all = Vec::new();
    for page in core::iter::once(command).chain(commands).map(Man::new) {
        let mut text = Vec::new();
        page.render(&mut text)?;
        // clap_mangen calls the end of `--help` "EXTRA".
        let mut text = String::from_utf8_lossy(&text).replace(".SH EXTRA", ".SH NOTES").into_bytes();
        match directory {
            Some(directory) => files::write_text(Some(&directory.join(page.get_filename())), &text)?,
            None => all.append(&mut text),
        }
    }
    if directory.is_none() {
        files::write_text(None, &all)?;
    }
    Ok(Status::Success)
}
