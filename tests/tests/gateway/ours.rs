//! Our gateway with the rows.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

use uwsgi::Address;
use uwsgi_gateway::{Gateway, Settings, Translation};
use uwsgi_server::Listener;

use super::backend::Backend;
use super::client::{Pieces, Seen, play};
use super::outcome::{BROKE_OFF, Taken};
use super::row::{self, On, Row};
use super::together::for_each;

/// How long the gateway may take for the last answer or the close of a row. It seldom takes more than 1 second, the time limit
/// of `On::ShortTimeouts`.
const MOST: Duration = Duration::from_secs(10);

/// After this many wrong rows a test ends.
const MOST_WRONG: usize = 20;

/// How many rows run at a time.
const AT_ONCE: usize = 8;

/// The gateways of one test, one for each kind of settings, and their backend.
struct Gateways {
    backend: Backend,
    addresses: Vec<(On, SocketAddr)>,
}

impl Gateways {
    /// Starts gateways with these settings besides those of the rows.
    fn start(name: &str, with: impl Fn(Settings) -> Settings) -> Self {
        let socket = env::temp_dir().join(format!("uwsgi-gateway-{}-{name}.sock", process::id()));
        let backend = Backend::start(socket);
        let addresses = On::ALL.map(|on| {
            let settings = Settings::new(backend.socket().to_str().expect("a path that is text")).expect("an address");
            (on, listen(with(settings_of(on, settings))))
        });
        Self { backend, addresses: addresses.to_vec() }
    }

    fn play(&self, row: &Row, pieces: Pieces) -> Seen {
        let (_, address) = self.addresses.iter().find(|(on, _)| *on == row.on).expect("a gateway for each");
        play(*address, &self.backend, row, pieces, Some(&row.ours), MOST)
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        let _gone = fs::remove_file(self.backend.socket());
    }
}

fn settings_of(on: On, settings: Settings) -> Settings {
    let settings = settings.with_max_body(100_000).with_threads(1);
    let short = Duration::from_secs(1);
    match on {
        On::Default => settings,
        On::ShortTimeouts => settings.with_headers_timeout(short).with_keepalive(short).with_body_timeout(short),
        On::Underscores => settings.with_translation(Translation::new().with_underscores(true)),
    }
}

/// Starts a gateway that runs as long as the test.
fn listen(settings: Settings) -> SocketAddr {
    let listener = Listener::bind(Address::parse("127.0.0.1:0").expect("an address")).expect("a listener");
    let gateway = Gateway::new(settings).expect("an address to connect to").listen(listener);
    let address = *gateway.local_addrs().first().expect("an address");
    thread::spawn(move || gateway.run().expect("the gateway runs"));
    address
}

/// The ways in which a row is sent. Each row has a seed of its own.
fn ways(row: &Row) -> [Pieces; 4] {
    // FNV-1a, Fowler, Noll and Vo.
    let seed = row
        .name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    [Pieces::Whole, Pieces::Bytes, Pieces::Random(seed), Pieces::Random(seed.rotate_left(32))]
}

/// Returns how what was seen differs from the row.
fn difference(row: &Row, pieces: Pieces, seen: &Seen, requests: &[Taken]) -> Option<String> {
    let mut wrong = seen.faults.clone();
    let is_as_split = pieces != Pieces::Whole && row.split.as_ref() == Some(&seen.outcome);
    if seen.outcome != row.ours && !is_as_split {
        wrong.push(format!("{}, and not {}", seen.outcome, row.ours));
    }
    if seen.is_reset {
        wrong.push("the connection is reset".to_owned());
    }
    if requests != row.backend {
        let lines = |requests: &[Taken]| requests.iter().map(|request| format!("\n    {request}")).collect::<String>();
        wrong.push(format!("the backend got{}\n  and not{}", lines(requests), lines(&row.backend)));
    }
    (!wrong.is_empty()).then(|| wrong.join("\n  "))
}

/// Plays rows, and returns what is wrong. Ends early if much is wrong, since each wrong row may take long.
fn play_all(gateways: &Gateways, plays: &[(&Row, Pieces)], requests: fn(&Seen) -> Vec<Taken>) -> Vec<String> {
    let count = AtomicUsize::new(0);
    let wrong = for_each(AT_ONCE, plays, |(row, pieces)| {
        if count.load(Ordering::Relaxed) >= MOST_WRONG {
            return None;
        }
        let seen = gateways.play(row, *pieces);
        let wrong = difference(row, *pieces, &seen, &requests(&seen))?;
        count.fetch_add(1, Ordering::Relaxed);
        Some(format!("{} ({pieces:?}):\n  {wrong}", row.name))
    });
    wrong.into_iter().flatten().collect()
}

#[test]
fn the_gateway_does_what_the_rows_say_however_they_are_split() {
    let gateways = Gateways::start("rows", |settings| settings);
    let rows = row::all();
    let plays: Vec<(&Row, Pieces)> = rows.iter().flat_map(|row| ways(row).map(|pieces| (row, pieces))).collect();
    let mut wrong = play_all(&gateways, &plays, |seen| seen.requests.clone());
    wrong.extend(gateways.backend.faults());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With bodies that go to the backend while they come, the backend may see a request whose body breaks off. All else is the same.
#[test]
fn the_gateway_does_the_same_with_streamed_bodies() {
    let gateways = Gateways::start("streamed", |settings| settings.with_streamed_bodies(true));
    let rows = row::all();
    let plays: Vec<(&Row, Pieces)> = rows.iter().map(|row| (row, Pieces::Whole)).collect();
    let mut wrong =
        play_all(&gateways, &plays, |seen| seen.requests.iter().filter(|request| request.is_whole).cloned().collect());
    // The backend sees only later than the client that a body broke off.
    wrong.extend(gateways.backend.faults().into_iter().filter(|fault| !fault.contains(BROKE_OFF)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
