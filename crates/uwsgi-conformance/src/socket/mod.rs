//! Anything that listens on a socket as something that accepts connections: real bytes, and a real clock.
//!
//! A case takes as long as its waits and deadlines say; [`takes`] tells.

mod stream;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, ToSocketAddrs};
#[cfg(unix)]
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Instant;

use uwsgi::client;
use uwsgi::server::AllowList;

use crate::answers::PROMPT;
use crate::app::App;
use crate::case::{Case, Verdict};
use crate::machine::takes;
use crate::needs::{Needs, Sender};
use crate::play::{End, Endpoint, Peer, Received};
use crate::socket::stream::Stream;

/// An [`Endpoint`] at an address.
///
/// It is taken for a server as it comes, with an application that reads and answers, unless it is told otherwise; cases
/// that need another are not played.
///
/// ```no_run
/// use std::time::Duration;
/// use uwsgi_conformance::run;
/// use uwsgi_conformance::socket::Server;
///
/// let server = Server::tcp("127.0.0.1:3031".parse()?).with_patience(Duration::from_secs(5));
/// for played in run(&server)?.played {
///     println!("{played}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    at: Address,
    needs: Option<Needs>,
    app: Option<App>,
    patience: Duration,
    longest: Duration,
    pause: Duration,
}

/// How much longer than a case takes it is waited for a server, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it listens.
#[derive(Debug, Clone)]
enum Address {
    #[cfg(target_os = "linux")]
    Abstract(Vec<u8>),
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Server {
    /// A server on a TCP port.
    #[must_use]
    pub const fn tcp(address: SocketAddr) -> Self {
        Self::on(Address::Tcp(address))
    }

    /// A server on a Unix socket. A reset does not show there: what is cut off is seen by its length alone.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::on(Address::Unix(path.into()))
    }

    /// A server at an address as command lines have it. A name is looked up once; where it has several addresses, the first
    /// that takes a connection is the server's.
    ///
    /// # Errors
    ///
    /// The name has no address, or the address is none to connect to.
    pub fn at(address: &client::Address<'_>) -> io::Result<Self> {
        let invalid = |error| io::Error::new(ErrorKind::InvalidInput, error);
        match address.to_connect().map_err(invalid)? {
            client::Address::Tcp(address) => Ok(Self::tcp(address)),
            #[cfg(unix)]
            client::Address::Unix(path) => Ok(Self::unix(path)),
            #[cfg(target_os = "linux")]
            client::Address::Abstract(name) => Ok(Self::on(Address::Abstract(name.as_bytes().to_vec()))),
            client::Address::Name { host, port } => {
                let found: Vec<_> = (host, port).to_socket_addrs()?.collect();
                let chosen = match found.as_slice() {
                    [only] => Some(*only),
                    several => several.iter().copied().find(|address| Stream::tcp(*address, PATIENCE).is_ok()),
                };
                let chosen = chosen.or(found.first().copied()).map(Self::tcp);
                chosen.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "the name has no address"))
            }
            _ => Err(unfit("not an address to connect to")),
        }
    }

    /// The same server, which is as these needs say: cases that need it so are played, and no others.
    #[must_use]
    pub fn with_needs(self, needs: Needs) -> Self {
        Self { needs: Some(needs), ..self }
    }

    /// The same server, of whose settings nothing is known: cases are played whatever they need, as far as a sender can.
    #[must_use]
    pub fn with_any_needs(self) -> Self {
        Self { needs: None, ..self }
    }

    /// The same server, whose application does this; [`App::ReadAllThenAnswer`] unless changed.
    #[must_use]
    pub fn with_app(self, app: App) -> Self {
        Self { app: Some(app), ..self }
    }

    /// The same server, whose application does with each case what it should.
    #[must_use]
    pub fn with_every_app(self) -> Self {
        Self { app: None, ..self }
    }

    /// The same server, for which it is waited so much longer than a case takes; 10 seconds unless changed.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same server, for which it is never waited longer than this behind the last step of a case, however long that
    /// takes.
    #[must_use]
    pub fn with_longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// The same server, with so long a pause behind each piece that is sent, so that it arrives alone; 1 millisecond
    /// unless changed.
    #[must_use]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    const fn on(at: Address) -> Self {
        Self {
            at,
            needs: Some(Needs::DEFAULT),
            app: Some(App::ReadAllThenAnswer),
            patience: PATIENCE,
            longest: Duration::MAX,
            pause: Duration::from_millis(1),
        }
    }

    /// Connects for a case.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::connect`].
    pub fn open(&self, case: &Case) -> io::Result<Connected> {
        self.suits(case)?;
        let stream = match (&self.at, case.needs.sender) {
            (Address::Tcp(address), Sender::Address(from)) => {
                Stream::tcp_from(from.to_canonical(), *address, self.patience)?
            }
            (Address::Tcp(address), Sender::Local) => Stream::tcp(*address, self.patience)?,
            #[cfg(unix)]
            (Address::Unix(path), _) => Stream::unix(path, self.patience)?,
            #[cfg(target_os = "linux")]
            (Address::Abstract(name), _) => Stream::unix_abstract(name, self.patience)?,
        };
        // Nobody who takes nothing may hold us for ever.
        stream.write_timeout(self.patience)?;
        let began = Instant::now();
        Ok(Connected {
            stream: Some(stream),
            began,
            takes: takes(case),
            patience: self.patience,
            longest: self.longest,
            pause: self.pause,
            received: Vec::new(),
            last: began,
            reset: false,
            ended: None,
        })
    }

    /// Whether a case can be played.
    fn suits(&self, case: &Case) -> io::Result<()> {
        if self.app.is_some_and(|app| app != case.app) {
            return Err(unfit("it needs an application that does something else"));
        }
        let needs = Needs { sender: Sender::Local, ..case.needs };
        if self.needs.is_some_and(|ours| Needs { sender: Sender::Local, ..ours } != needs) {
            return Err(unfit("it needs other settings, or a server in another state"));
        }
        match &self.at {
            Address::Tcp(address) => {
                let from = match case.needs.sender {
                    Sender::Address(from) => from,
                    Sender::Local => IpAddr::V4(Ipv4Addr::LOCALHOST),
                };
                // Whoever is not on a list may be anywhere; here a sender is on this machine.
                let listed = AllowList::parse(case.needs.allow).is_ok_and(|allow| allow.allows(from));
                if case.needs.sender == Sender::Local && !listed {
                    return Err(unfit("it needs a Unix socket"));
                }
                let here = address.ip().is_loopback() && from.to_canonical().is_loopback();
                if case.needs.sender != Sender::Local && !here {
                    return Err(io::Error::new(ErrorKind::Unsupported, format!("nothing can be sent from {from}")));
                }
                Ok(())
            }
            #[cfg(unix)]
            _ if case.needs.sender != Sender::Local => Err(unfit("it needs TCP")),
            #[cfg(unix)]
            _ if case.verdict == Verdict::Abort && case.app.is_cut_without_a_trace() => {
                Err(unfit("a Unix socket has no reset"))
            }
            #[cfg(unix)]
            _ => Ok(()),
        }
    }
}

fn unfit(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, why.to_owned())
}

impl Endpoint for Server {
    fn connect(&self, case: &Case) -> io::Result<Box<dyn Peer + '_>> {
        Ok(Box::new(self.open(case)?))
    }
}

/// The sender's end of a connection to a [`Server`].
#[derive(Debug)]
pub struct Connected {
    /// Until the sender leaves.
    stream: Option<Stream>,
    began: Instant,
    takes: Duration,
    patience: Duration,
    longest: Duration,
    pause: Duration,
    received: Vec<u8>,
    /// When the last bytes came.
    last: Instant,
    /// Whether a write was told of a reset.
    reset: bool,
    ended: Option<(End, Instant)>,
}

impl Connected {
    /// Reads once, until then at most; whether it is worth reading again.
    fn read(&mut self, until: Option<Instant>) -> bool {
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        let Some(left) = left.filter(|left| !left.is_zero() && self.ended.is_none()) else { return false };
        let mut buffer = [0; 16384];
        let Some(stream) = self.stream.as_mut() else { return false };
        // Linux rounds a timeout of half a minute up by seconds, and a short one by milliseconds.
        let slice = left.min(Duration::from_millis(500));
        let read = stream.read_timeout(slice).and_then(|()| stream.read(&mut buffer));
        match read {
            Ok(0) => self.ended = Some((if self.reset { End::Reset } else { End::Closed }, Instant::now())),
            Ok(count) => {
                self.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                self.last = Instant::now();
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => self.ended = Some((End::Reset, Instant::now())),
        }
        self.ended.is_none()
    }

    /// Until when it is waited for the server from now on.
    fn bound(&self) -> Option<Instant> {
        let left = self.takes.saturating_sub(self.began.elapsed()).saturating_add(self.patience);
        Instant::now().checked_add(left.min(self.longest))
    }
}

impl Peer for Connected {
    fn send(&mut self, bytes: &[u8]) {
        // A server that has had enough takes no more, and what it answered is still to be read.
        if let Some(stream) = self.stream.as_mut().filter(|_| !matches!(self.ended, Some((End::Open, _)))) {
            // Who is told of a reset when writing is not told again when reading.
            self.reset |= stream.write(bytes).is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        }
        sleep(self.pause);
    }

    fn wait(&mut self, millis: u64) {
        // Nothing can come when the server has closed, so that there is nothing to wait for.
        let until = Instant::now().checked_add(Duration::from_millis(millis));
        let bound = self.began.checked_add(self.takes.saturating_add(self.patience));
        while self.read(until.min(bound)) {}
        if bound.is_some_and(|bound| Instant::now() >= bound) {
            self.ended.get_or_insert((End::Open, Instant::now()));
        }
    }

    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool) {
        let bound = self.bound();
        while !enough(&self.received) && self.read(bound) {}
    }

    fn shutdown_write(&mut self) {
        // If it fails, the server was first.
        if let Some(stream) = &self.stream {
            let _ = stream.shut_down(Shutdown::Write);
        }
    }

    fn close(&mut self) {
        self.stream = None;
        self.ended = Some((End::Gone, Instant::now()));
    }

    fn reset(&mut self) {
        // A Unix socket has no reset, and closes.
        if let Some(stream) = &self.stream {
            let _ = stream.reset_on_close();
        }
        self.close();
    }

    fn finish(mut self: Box<Self>, enough: &mut dyn FnMut(&[u8]) -> bool) -> Received {
        let bound = self.bound();
        loop {
            let kept = self.last.checked_add(Duration::from_millis(PROMPT)).filter(|_| enough(&self.received));
            if !self.read(kept.or(bound)) {
                break;
            }
        }
        let (end, at) = self.ended.unwrap_or_else(|| (End::Open, Instant::now()));
        let millis = |since: Instant| u64::try_from(at.duration_since(since).as_millis()).unwrap_or(u64::MAX);
        Received { end, silence: millis(self.last), took: millis(self.began), bytes: self.received }
    }
}
