//! `uwsgictl man`.

mod page;

use std::path::PathBuf;

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
    let mut pages = Vec::new();
    page::all(&command, None, &mut pages)?;
    let Some(directory) = &args.dir else {
        let all: Vec<u8> = pages.into_iter().flat_map(|page| page.text).collect();
        return files::write_text(None, &all).map(|()| Status::Success);
    };
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::Failed(format!("cannot make the directory {}: {error}", files::name(directory))))?;
    for page in pages {
        files::write_text(Some(&directory.join(page.file)), &page.text)?;
    }
    Ok(Status::Success)
}
