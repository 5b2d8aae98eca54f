//! What a server serves, and within which limits.

use uwsgi::Request;
use uwsgi::server::{AllowList, Settings};

use super::call::Application;

/// Makes the application for a request.
type MakeApplication = dyn Fn(&[u8], &Request<'_>) -> Box<dyn Application> + Send;

/// What a server serves, and within which limits.
pub(crate) struct Options {
    /// The settings of each connection.
    pub(crate) settings: Settings,
    /// The peers that may connect.
    pub(crate) allow: AllowList,
    /// How many connections are served at once.
    pub(crate) max_connections: usize,
    /// How many applications run at once. More requests wait.
    pub(crate) max_running: usize,
    /// Makes the application for a request. It also gets the packet of the request.
    pub(crate) application: Box<MakeApplication>,
    /// Writes a line to the log.
    pub(crate) log: fn(&str),
}
