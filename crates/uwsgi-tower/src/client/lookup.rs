//! Looks up the name of a backend.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::ToSocketAddrs;

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How long addresses are kept. `getaddrinfo` does not tell how long the name server allows.
const KEEP_FOR: Duration = Duration::from_secs(5);

/// How long a lookup may take before the addresses that are there, if any, are used without it.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The addresses of a backend that is given by name.
///
/// `getaddrinfo` blocks a thread of tokio's blocking pool, and a slow name server would soon block all of them. So there is at
/// most one lookup at a time, for the requests of all runtimes. It goes on if the request that needs it is dropped.
pub(super) struct Lookup {
    resolve: Resolve,
    state: Arc<watch::Sender<State>>,
}

/// A function that looks up a name and blocks.
type Resolve = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

#[derive(Debug, Default)]
struct State {
    /// What the last successful lookup found.
    addresses: Option<Arc<[SocketAddr]>>,
    /// When the addresses must be looked up again.
    fresh_until: Option<Instant>,
    /// When the lookup began that runs now.
    running_since: Option<Instant>,
    /// How many lookups have ended.
    ended: u64,
    /// Why the last lookup failed. An `io::Error` cannot be cloned for each request that waits.
    error: Option<(io::ErrorKind, String)>,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

impl Lookup {
    pub(super) fn new() -> Self {
        Self::with(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    fn with(resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self { resolve: Arc::new(resolve), state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Returns the addresses of the name, which is the same in each call. If they are too old, they are looked up again. If that
    /// fails or takes too long, the old addresses are returned.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> io::Result<Arc<[SocketAddr]>> {
        if let Some(addresses) = self.state.borrow().fresh() {
            return Ok(addresses);
        }
        let mut changes = self.state.subscribe();
        let mut next = Next::Use(Arc::default());
        self.state.send_if_modified(|state| {
            next = state.next();
            false
        });
        let (ended, since, old) = match next {
            Next::Use(addresses) => return Ok(addresses),
            Next::Wait { begin, ended, since, old } => {
                if begin {
                    self.begin(host.to_owned(), port);
                }
                (ended, since, old)
            }
        };
        let until = old.as_ref().and_then(|_| since.checked_add(MAX_WAIT));
        let is_over = changes.wait_for(|state| state.ended != ended);
        match until {
            Some(until) => drop(timeout_at(until, is_over).await),
            None => drop(is_over.await),
        }
        let state = self.state.borrow();
        state.addresses.clone().or(old).ok_or_else(|| state.failure())
    }

    /// Begins a lookup.
    fn begin(&self, host: String, port: u16) {
        let stopped = io::Error::other("the runtime stops");
        let mut running = Running { host, state: Arc::clone(&self.state), result: Err(stopped) };
        let resolve = Arc::clone(&self.resolve);
        tokio::task::spawn_blocking(move || {
            running.result = resolve(&running.host, port);
            drop(running);
        });
    }
}

/// What to do for a request.
enum Next {
    Use(Arc<[SocketAddr]>),
    /// Wait until more lookups than `ended` have ended. If `begin` is true, the lookup has yet to begin.
    Wait {
        begin: bool,
        ended: u64,
        since: Instant,
        old: Option<Arc<[SocketAddr]>>,
    },
}

impl State {
    fn fresh(&self) -> Option<Arc<[SocketAddr]>> {
        let is_fresh = self.fresh_until.is_some_and(|until| until > Instant::now());
        self.addresses.clone().filter(|_| is_fresh)
    }

    /// Decides about a request. If it is the first one that needs a lookup, marks the lookup as running.
    fn next(&mut self) -> Next {
        if let Some(addresses) = self.fresh() {
            return Next::Use(addresses);
        }
        let begin = self.running_since.is_none();
        let since = *self.running_since.get_or_insert_with(Instant::now);
        Next::Wait { begin, ended: self.ended, since, old: self.addresses.clone() }
    }

    /// Notes what a lookup found.
    fn end(&mut self, host: &str, result: io::Result<Vec<SocketAddr>>) {
        let no_address = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let result = result.and_then(|addresses| if addresses.is_empty() { Err(no_address()) } else { Ok(addresses) });
        match result {
            Ok(addresses) => self.addresses = Some(addresses.into()),
            Err(error) => {
                if self.addresses.is_some() {
                    tracing::warn!("{host} is not looked up, and its old addresses are used: {error}");
                }
                self.error = Some((error.kind(), error.to_string()));
            }
        }
        self.fresh_until = Instant::now().checked_add(KEEP_FOR);
        self.running_since = None;
        self.ended = self.ended.wrapping_add(1);
    }

    fn failure(&self) -> io::Error {
        match &self.error {
            Some((kind, message)) => io::Error::new(*kind, message.clone()),
            None => io::Error::other("the lookup did not end"),
        }
    }
}

/// A lookup that runs. Its end is noted also if it panics, or if the runtime stops before it begins.
struct Running {
    host: String,
    state: Arc<watch::Sender<State>>,
    result: io::Result<Vec<SocketAddr>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let result = core::mem::replace(&mut self.result, Ok(Vec::new()));
        self.state.send_modify(|state| state.end(&self.host, result));
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, mpsc};

    use super::*;

    /// A lookup whose results a test gives, and how many lookups have begun. A lookup blocks until its result is given.
    fn lookup() -> (Arc<Lookup>, mpsc::Sender<io::Result<Vec<SocketAddr>>>, Arc<AtomicUsize>) {
        let (results, receiver) = mpsc::channel();
        let (receiver, begun) = (Mutex::new(receiver), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&begun);
        let lookup = Lookup::with(move |host, port| {
            assert_eq!((host, port), ("app.example", 3031));
            count.fetch_add(1, Ordering::SeqCst);
            receiver.lock().unwrap().recv().unwrap()
        });
        (Arc::new(lookup), results, begun)
    }

    fn found(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    async fn ask(lookup: &Lookup) -> Result<Vec<SocketAddr>, String> {
        let addresses = lookup.addresses("app.example", 3031).await;
        addresses.map(|addresses| addresses.to_vec()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn many_requests_share_a_lookup_and_its_addresses_are_kept_for_5_seconds() {
        let (lookup, results, begun) = lookup();
        let requests: Vec<_> = (0..100)
            .map(|_| {
                let lookup = Arc::clone(&lookup);
                tokio::spawn(async move { ask(&lookup).await })
            })
            .collect();
        let both = found(&["[2001:db8::1]:3031", "192.0.2.1:3031"]);
        results.send(Ok(both.clone())).unwrap();
        for request in requests {
            assert_eq!(request.await.unwrap(), Ok(both.clone()), "all addresses in their order");
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);

        // Some of the time has passed already, less than this on a busy machine too.
        let margin = Duration::from_secs(3);
        tokio::time::pause();
        tokio::time::advance(KEEP_FOR - margin).await;
        tokio::time::resume();
        assert_eq!(ask(&lookup).await, Ok(both));
        assert_eq!(begun.load(Ordering::SeqCst), 1);

        tokio::time::pause();
        tokio::time::advance(margin).await;
        tokio::time::resume();
        results.send(Ok(found(&["192.0.2.2:3031"]))).unwrap();
        assert_eq!(ask(&lookup).await, Ok(found(&["192.0.2.2:3031"])));
        assert_eq!(begun.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn without_addresses_a_failure_is_an_error_and_is_not_kept() {
        let (lookup, results, begun) = lookup();
        results.send(Err(io::Error::other("no such name"))).unwrap();
        assert_eq!(ask(&lookup).await, Err("no such name".to_owned()));
        results.send(Ok(Vec::new())).unwrap();
        assert_eq!(ask(&lookup).await, Err("the name has no address".to_owned()));
        results.send(Ok(found(&["192.0.2.1:3031"]))).unwrap();
        assert_eq!(ask(&lookup).await, Ok(found(&["192.0.2.1:3031"])));
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn after_a_failure_the_old_addresses_are_used_for_5_seconds_more() {
        let (lookup, results, begun) = lookup();
        let old = found(&["192.0.2.1:3031"]);
        results.send(Ok(old.clone())).unwrap();
        assert_eq!(ask(&lookup).await, Ok(old.clone()));
        for lookups in 2..4 {
            tokio::time::pause();
            tokio::time::advance(KEEP_FOR).await;
            tokio::time::resume();
            results.send(Err(io::Error::other("no answer"))).unwrap();
            assert_eq!(ask(&lookup).await, Ok(old.clone()));
            assert_eq!(ask(&lookup).await, Ok(old.clone()));
            assert_eq!(begun.load(Ordering::SeqCst), lookups);
        }
    }

    #[tokio::test]
    async fn a_slow_lookup_is_waited_for_once_if_there_are_old_addresses() {
        let (lookup, results, begun) = lookup();
        let old = found(&["192.0.2.1:3031"]);
        results.send(Ok(old.clone())).unwrap();
        assert_eq!(ask(&lookup).await, Ok(old.clone()));
        tokio::time::pause();
        tokio::time::advance(KEEP_FOR).await;
        tokio::time::resume();

        let start = Instant::now();
        assert_eq!(ask(&lookup).await, Ok(old.clone()));
        assert!(start.elapsed() >= MAX_WAIT, "{:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(ask(&lookup).await, Ok(old));
        assert!(start.elapsed() < MAX_WAIT, "{:?}", start.elapsed());
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        results.send(Ok(found(&["192.0.2.2:3031"]))).unwrap();
        let mut changes = lookup.state.subscribe();
        changes.wait_for(|state| state.ended == 2).await.unwrap();
        assert_eq!(ask(&lookup).await, Ok(found(&["192.0.2.2:3031"])));
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_leaves_its_lookup_to_the_next() {
        let (lookup, results, begun) = lookup();
        let gone = tokio::time::timeout(Duration::from_millis(20), ask(&lookup)).await;
        assert!(gone.is_err());
        results.send(Ok(found(&["192.0.2.1:3031"]))).unwrap();
        assert_eq!(ask(&lookup).await, Ok(found(&["192.0.2.1:3031"])));
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_lookup_that_panics_is_an_error() {
        let lookup = Lookup::with(|_, _| panic!("a defect"));
        assert!(lookup.addresses("app.example", 3031).await.is_err());
        assert!(lookup.addresses("app.example", 3031).await.is_err());
    }
}
