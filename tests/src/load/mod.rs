//! Load on a server and measurements of it: clients with a fixed rate of requests, clients that send slowly, and the
//! server in its own process.

mod at;
mod pace;
mod process;
mod trickle;

pub use at::{At, get, packet, post, status};
pub use pace::{Latencies, Pace};
pub use process::Process;
pub use trickle::{Trickle, Trickled};

/// Returns whether the tests run as long as `tests/run --full` allows.
pub fn is_full() -> bool {
    std::env::var_os("UWSGI_TESTS").is_some_and(|how| how == "full")
}
