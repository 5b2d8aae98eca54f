//! The table of findings, in parts.
//!
//! A row says what it is called, how bad it is, when it holds, what it means and which line of a front end changes it.
//! What front ends and servers do is what these versions did: nginx 1.22.1 and 1.31.5, Apache httpd 2.4.71, lighttpd
//! 1.4.69, uWSGI 2.0.31, gunicorn 27.0.1.

mod address;
mod body;
mod header;
mod host;
mod lines;
mod missing;
mod packet;
mod path;
mod repeated;

use crate::finding::Finding;

/// Every row.
pub(crate) fn tables() -> impl Iterator<Item = &'static Finding> {
    [
        missing::TABLE,
        body::TABLE,
        header::TABLE,
        repeated::TABLE,
        path::TABLE,
        host::TABLE,
        address::TABLE,
        packet::TABLE,
    ]
    .into_iter()
    .flatten()
}
