//! `uwsgictl completions`.

use clap_complete::Shell;

use crate::exit::{Failure, Status};
use crate::files;

/// Print a script with which a shell completes uwsgictl's arguments
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  uwsgictl completions bash > \\
      ~/.local/share/bash-completion/completions/uwsgictl
  uwsgictl completions zsh > ~/.zfunc/_uwsgictl
  uwsgictl completions fish > ~/.config/fish/completions/uwsgictl.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum, value_name = "bash|elvish|fish|powershell|zsh", hide_possible_values = true)]
    shell: Shell,
}

/// Prints the completions of `command`, which is the whole command line.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<Status, Failure> {
    // The script is made in memory, because the generator panics if its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "uwsgictl", &mut script);
    files::write_text(None, &script)?;
    Ok(Status::Success)
}
