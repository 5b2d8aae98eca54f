//! Starters of real programs on loopback: front ends, other servers, and ours.
//!
//! A [`TestDir`] is the private directory of one test; the programs that a test starts in it end with it. The script
//! `tests/peers` finds or installs the binaries, see [`peer`].

mod apache;
mod gunicorn;
mod lighttpd;
mod nginx;
mod peer;
mod program;
mod snippet;
mod test_dir;
mod tls;
mod uwsgi;
mod uwsgictl;

pub use crate::port::{Listen, Port};
pub use apache::apache;
pub use gunicorn::gunicorn;
pub use lighttpd::lighttpd;
pub use nginx::nginx;
pub use peer::{Peer, peer, version};
pub use program::Program;
pub use snippet::Snippet;
pub use test_dir::TestDir;
pub use tls::Certificate;
pub use uwsgi::{uwsgi_curl, uwsgi_http, uwsgi_worker};
pub use uwsgictl::{example, uwsgictl, uwsgictl_serve};
