//! WSGI (PEP 3333): calls a Python application for each request.

pub(crate) mod caller;
mod environ;
mod errors;
mod file_part;
pub(crate) mod file_wrapper;
mod input;
mod keys;
mod latin1;
mod start_response;
