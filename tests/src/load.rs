//! Load on a server, and what it takes: clients that keep a pace, clients that trickle, a server in a process of its own.

mod at;
mod pace;
mod process;
mod trickle;

pub use at::{At, get, packet, post, status};
pub use pace::{Latencies, Pace};
pub use process::Process;
pub use trickle::{Trickle, Trickled};

/// Whether tests are to take as long as `tests/run --full` lets them.
pub fn is_full() -> bool {
    std::env::var_os("UWSGI_TESTS").is_some_and(|how| how == "full")
}
