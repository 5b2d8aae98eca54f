//! Hints for a wrong command line: what was probably meant.

use std::fs;
use std::os::unix::fs::FileTypeExt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};
use http::Uri;
use uwsgi::Address;

use crate::options::SERVER_VARIABLE;
use crate::options::values::url_server;

/// Options of curl that commands with a URL do not have, and what to write instead.
const OPTIONS_OF_CURL: [(&str, &str, &str); 8] = [
    ("-A", "--user-agent", "write -H 'User-Agent: NAME'"),
    ("-b", "--cookie", "write -H 'Cookie: NAME=VALUE'"),
    ("-e", "--referer", "write -H 'Referer: URL'"),
    ("-G", "--get", "write the data into the URL, after a ?"),
    ("-k", "--insecure", "uwsgi has no TLS, so that there is no certificate to accept"),
    ("-L", "--location", "redirects are not followed: -i shows where they lead"),
    ("--compressed", "--compressed", "write -H 'Accept-Encoding: gzip', and pipe the answer to gunzip"),
    ("--json", "--json", "write -d DATA -H 'Content-Type: application/json'"),
];

/// Adds a hint to the error if the arguments show what was meant. `command` is the whole command line, and `arguments` are those
/// after the name of the program.
pub(crate) fn add_hint(mut error: Error, command: &Command, arguments: &[String]) -> Error {
    let command = subcommand(command, arguments);
    // The arguments of these commands never begin with -, and clap would offer to write them after --.
    if takes_url(command) || command.get_positionals().next().is_none() {
        error.remove(ContextKind::Suggested);
    }
    if let Some(hint) = hint(&error, command, arguments) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

fn hint(error: &Error, command: &Command, arguments: &[String]) -> Option<String> {
    let has_to = arguments.iter().any(|argument| argument == "--to" || argument.starts_with("--to="));
    let invalid = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(one)) => core::slice::from_ref(one),
        Some(ContextValue::Strings(several)) => several,
        _ => &[],
    };
    let names_server = invalid.iter().any(|argument| argument.starts_with("--to <"));
    let find = || arguments.iter().skip(1).find_map(|argument| misplaced(command, argument, false));
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if names_server && !has_to => {
            Some(format!("the value is that of the environment variable {SERVER_VARIABLE}"))
        }
        ErrorKind::UnknownArgument => {
            let of_curl = || invalid.iter().find_map(|argument| option_of_curl(command, argument));
            let unknown = || invalid.iter().find_map(|argument| misplaced(command, argument, true)).or_else(find);
            of_curl().or_else(|| if has_to { None } else { unknown() })
        }
        ErrorKind::MissingRequiredArgument if names_server => {
            // A router, which `subscribe` asks, is never named by the environment.
            let is_of_environment = |option: &Arg| option.get_long() == Some("to") && option.get_env().is_some();
            let by_environment = || format!("the environment variable {SERVER_VARIABLE} can name the server too");
            find().or_else(|| command.get_arguments().any(is_of_environment).then(by_environment))
        }
        _ => None,
    }
}

/// Returns the hint for an option of curl that the command does not have.
fn option_of_curl(command: &Command, argument: &str) -> Option<String> {
    let is_named = |(short, long, _): &&(&str, &str, &str)| argument == *short || argument == *long;
    let (.., hint) = OPTIONS_OF_CURL.iter().find(is_named).filter(|_| takes_url(command))?;
    Some((*hint).to_owned())
}

fn takes_url(command: &Command) -> bool {
    command.get_positionals().any(|positional| positional.get_id() == "url")
}

/// Returns the hint for an address that was given without its option. `any_path` says whether a path counts as an address
/// even if it is not that of a socket.
fn misplaced(command: &Command, argument: &str, any_path: bool) -> Option<String> {
    let takes = |name: &&str| command.get_arguments().any(|option| option.get_long() == Some(name));
    let option = ["to", "bind", "http"].into_iter().find(takes)?;
    if let Some(server) = url_server(argument) {
        let target = if takes_url(command) { format!(" {}", request_target(argument)) } else { String::new() };
        return Some(format!("a URL names no server, --{option} does: --{option} {server}{target}"));
    }
    let any_path = any_path && !takes_url(command);
    let is_address = match Address::parse(argument).ok()? {
        Address::Tcp(_) => true,
        Address::Name { host, .. } => any_path || !host.is_empty(),
        Address::Unix(path) => {
            let is_socket = fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
            any_path || argument.starts_with("unix:") || is_socket
        }
        _ => any_path,
    };
    is_address.then(|| format!("the option --{option} names the address: --{option} {argument}"))
}

/// Returns the command that the arguments choose.
fn subcommand<'a>(mut command: &'a Command, arguments: &[String]) -> &'a Command {
    for argument in arguments {
        let Some(inner) = command.find_subcommand(argument) else { break };
        command = inner;
    }
    command
}

/// Returns the path and the query of a URL.
fn request_target(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let target = uri.as_ref().and_then(Uri::path_and_query).map(ToString::to_string);
    target.unwrap_or_else(|| "/".to_owned())
}
