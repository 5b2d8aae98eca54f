//! The tables of findings, one for each subject.
//!
//! A row has an identifier, a severity, a test, a text, and the lines for front ends that remove the cause. The texts say what
//! these versions do: nginx 1.22.1 and 1.31.5, Apache httpd 2.4.71, lighttpd 1.4.69, uWSGI 2.0.31, gunicorn 27.0.1.

mod body;
mod client_address;
mod headers;
mod host;
mod missing_vars;
mod packet;
mod path;
mod repeated_vars;

use crate::findings::finding::Finding;

/// Returns every row.
pub(super) fn rows() -> impl Iterator<Item = &'static Finding> {
    [
        missing_vars::TABLE,
        body::TABLE,
        headers::TABLE,
        repeated_vars::TABLE,
        path::TABLE,
        host::TABLE,
        client_address::TABLE,
        packet::TABLE,
    ]
    .into_iter()
    .flatten()
}
