//! Clients that send at a fixed rate and do not wait for the server.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{ServerAddress, get, status};

/// A fixed number of requests each second for some time, each on its own connection.
#[derive(Debug, Clone, Copy)]
pub struct RequestRate {
    pub per_second: u32,
    pub lasts: Duration,
    /// The most requests that are under way at once.
    pub clients: usize,
}

/// How long requests took, each from the time when it was due. If a request starts late because an earlier one took
/// long, that delay counts too.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    sorted: Vec<Duration>,
    /// How late a thread wakes that does nothing but sleep, on this machine and at the same time.
    wakes: Vec<Duration>,
}

impl RequestRate {
    /// Sends the requests, all for this path.
    ///
    /// # Errors
    ///
    /// The first response that is not whole or not a 200.
    pub fn run(self, at: &ServerAddress, path: &str) -> io::Result<Latencies> {
        self.run_with(at, &get(path))
    }

    /// Sends these bytes as each request.
    ///
    /// # Errors
    ///
    /// The first response that is not whole or not a 200.
    pub fn run_with(self, at: &ServerAddress, request: &[u8]) -> io::Result<Latencies> {
        let begun = Instant::now();
        let count = u32::try_from(self.lasts.as_millis()).unwrap_or(u32::MAX) / 1000 * self.per_second;
        let next = AtomicU32::new(0);
        let (took, failed) = (Mutex::new(Vec::new()), Mutex::new(Ok(())));
        let over = AtomicBool::new(false);
        let mut wakes = Vec::new();
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|_| {
                    scope.spawn(|| {
                        loop {
                            let place = next.fetch_add(1, Ordering::Relaxed);
                            if place >= count {
                                break;
                            }
                            let intended = begun + Duration::from_secs(1) * place / self.per_second;
                            // A sleep, because the rate sets the time of each request.
                            thread::sleep(intended.saturating_duration_since(Instant::now()));
                            match at.ask(request) {
                                Ok(answer) if status(&answer) == 200 => {
                                    took.lock().unwrap().push(intended.elapsed());
                                }
                                Ok(answer) => {
                                    let said = format!("{place}: {}", answer.escape_ascii());
                                    *failed.lock().unwrap() = Err(io::Error::other(said));
                                }
                                Err(error) => *failed.lock().unwrap() = Err(error),
                            }
                        }
                    })
                })
                .collect();
            let clock = scope.spawn(|| idle(&over));
            clients.into_iter().for_each(|client| client.join().expect("a client"));
            over.store(true, Ordering::Relaxed);
            wakes = clock.join().expect("a clock");
        });
        failed.into_inner().unwrap()?;
        let mut sorted = took.into_inner().unwrap();
        assert_eq!(sorted.len(), count as usize);
        sorted.sort();
        wakes.sort();
        Ok(Latencies { sorted, wakes })
    }
}

/// Returns how late a thread wakes that sleeps for 5 ms, over and over.
fn idle(over: &AtomicBool) -> Vec<Duration> {
    let mut late = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let until = Instant::now() + Duration::from_millis(5);
        thread::sleep(until.saturating_duration_since(Instant::now()));
        late.push(until.elapsed());
    }
    late
}

impl Latencies {
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Returns the time within which this share of all requests was done.
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.sorted, share)
    }

    /// Returns the delay within which this share of all wakes came.
    pub fn wakes(&self, share: f64) -> Duration {
        quantile(&self.wakes, share)
    }
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}
