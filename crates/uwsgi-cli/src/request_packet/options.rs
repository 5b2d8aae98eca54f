//! The options that change the request of a URL.

use std::ffi::{OsStr, OsString};

use crate::options::HeaderArgs;

/// The options that change the request of a URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestOptions<'a> {
    /// The value of `-X`.
    pub(crate) method: Option<&'a OsStr>,
    /// The method without `-X`.
    pub(crate) default_method: &'static str,
    /// `-H` and `-u`.
    pub(crate) headers: &'a HeaderArgs,
    /// The length of the body; `None` without a body.
    pub(crate) length: Option<u64>,
    /// Whether the body is a form, unless `-H` sets the type.
    pub(crate) is_form: bool,
    /// How the command takes a var.
    pub(crate) vars: VarSyntax,
}

/// How a command takes a var, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VarSyntax {
    /// As an argument: `KEY=VALUE`.
    Argument,
    /// As an option: `--var KEY=VALUE`.
    Option,
    /// The command takes packets in files.
    Packet,
}

impl<'a> RequestOptions<'a> {
    /// Returns the options of a request whose body, if it has one, is a form. `head` is `-I`.
    pub(crate) fn form(
        method: Option<&'a OsString>,
        head: bool,
        headers: &'a HeaderArgs,
        length: Option<usize>,
        vars: VarSyntax,
    ) -> Self {
        let default_method = match length {
            _ if head => "HEAD",
            Some(_) => "POST",
            None => "GET",
        };
        let length = length.map(|length| u64::try_from(length).unwrap_or(u64::MAX));
        Self { method: method.map(OsString::as_os_str), default_method, headers, length, is_form: true, vars }
    }
}
