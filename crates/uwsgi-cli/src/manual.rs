//! Completions and manual pages, made from the definition of the command line.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Cli;
use crate::output::{self, Failure};

/// `uwsgictl completions`.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    // By way of memory: the generator panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "uwsgictl", &mut script);
    output::write(None, &script, true)
}

/// `uwsgictl man`: all pages into a directory, or one after the other to standard output.
pub(crate) fn pages(directory: Option<&Path>) -> Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    // Gives the commands their full names.
    command.build();
    let commands: Vec<_> = command.get_subcommands().cloned().collect();
    let mut all = Vec::new();
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(|error| {
            Failure::Refused(format!("cannot make the directory {}: {error}", output::name(directory)))
        })?;
    }
    for page in core::iter::once(command).chain(commands).map(Man::new) {
        let mut text = Vec::new();
        page.render(&mut text)?;
        // The generator's heading for what `--help` ends with.
        let mut text = String::from_utf8_lossy(&text).replace(".SH EXTRA", ".SH NOTES").into_bytes();
        match directory {
            Some(directory) => output::write(Some(&directory.join(page.get_filename())), &text, true)?,
            None => all.append(&mut text),
        }
    }
    if directory.is_none() { output::write(None, &all, true) } else { Ok(()) }
}
