//! Load on a server and measurements of it: clients with a fixed rate of requests, clients that send slowly, and the
//! server in its own process.

mod address;
mod gateway;
mod process;
mod rate;
mod slow;
mod wait;

pub use address::{ServerAddress, get, packet, post, status};
pub use gateway::GatewayProcess;
pub use process::Process;
pub use rate::{Latencies, RequestRate};
pub use slow::{SlowClients, SlowOutcome};
pub use wait::{TIMEOUT, wait_until, wait_until_at_rest};

/// Returns whether the tests run as long as `tests/run --full` allows.
pub fn is_full() -> bool {
    std::env::var_os("UWSGI_TESTS").is_some_and(|how| how == "full")
}
