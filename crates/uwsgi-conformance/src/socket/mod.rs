//! A server on a socket as an endpoint, with real bytes and a real clock.
//!
//! A case takes as long as its waits and deadlines say; [`takes`] returns how long.

mod connected;
mod stream;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::ToSocketAddrs;
#[cfg(unix)]
use std::path::PathBuf;

use uwsgi::Address as ServerAddress;

use crate::case::{App, Case, Needs, Sender, Verdict};
use crate::endpoint::{Endpoint, Peer};
use crate::machine::takes;
use crate::socket::stream::Stream;

pub use connected::Connected;

/// An [`Endpoint`] at an address.
///
/// By default the server is taken for one with default settings and an application that reads and answers. Cases that need
/// another server are not played.
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

/// The default of [`Server::with_patience`], and the timeout of the connections that [`Server::at`] tries.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the server listens.
#[derive(Debug, Clone)]
enum Address {
    Tcp(SocketAddr),
    /// A path, or after a NUL an abstract name.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Server {
    /// Returns a server at a TCP address.
    #[must_use]
    pub const fn tcp(address: SocketAddr) -> Self {
        Self::on(Address::Tcp(address))
    }

    /// Returns a server at a Unix socket. There is no reset there: only the length of an answer shows that it was cut off.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::on(Address::Unix(path.into()))
    }

    /// Returns a server at an address that was parsed from a command line. A name is looked up once. If the name has several
    /// addresses, the first that accepts a connection is used.
    ///
    /// # Errors
    ///
    /// The name has no address, or nothing can connect to an address of this kind.
    pub fn at(address: &ServerAddress<'_>) -> io::Result<Self> {
        let invalid = |error| io::Error::new(ErrorKind::InvalidInput, error);
        match address.to_connect().map_err(invalid)? {
            ServerAddress::Tcp(address) => Ok(Self::tcp(address)),
            #[cfg(unix)]
            ServerAddress::Unix(path) => Ok(Self::unix(path)),
            #[cfg(target_os = "linux")]
            ServerAddress::Abstract(name) => Ok(Self::unix(alloc::format!("\0{name}"))),
            ServerAddress::Name { host, port } => {
                let found: Vec<_> = (host, port).to_socket_addrs()?.collect();
                let chosen = match found.as_slice() {
                    [only] => Some(*only),
                    several => several.iter().copied().find(|address| Stream::tcp(None, *address, PATIENCE).is_ok()),
                };
                let chosen = chosen.or(found.first().copied()).map(Self::tcp);
                chosen.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "the name has no address"))
            }
            _ => Err(unfit("not an address to connect to")),
        }
    }

    /// Sets the settings and the state of the server: only cases that need exactly these are played. [`Needs::DEFAULT`] by
    /// default.
    #[must_use]
    pub fn with_needs(self, needs: Needs) -> Self {
        Self { needs: Some(needs), ..self }
    }

    /// Plays cases whatever settings they need, as far as the sender can.
    #[must_use]
    pub fn with_any_needs(self) -> Self {
        Self { needs: None, ..self }
    }

    /// Sets what the application does: only cases with this application are played. [`App::ReadAllThenAnswer`] by default.
    #[must_use]
    pub fn with_app(self, app: App) -> Self {
        Self { app: Some(app), ..self }
    }

    /// Plays cases whatever application they need: the caller makes the application do what each case says.
    #[must_use]
    pub fn with_every_app(self) -> Self {
        Self { app: None, ..self }
    }

    /// Sets how long the sender still waits for the server after the time that the case takes; 10 seconds by default.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sets the longest wait for one answer, and for the end of the connection after the last step, however long the case
    /// takes; no bound by default.
    #[must_use]
    pub fn with_longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Sets how long the sender pauses after each piece, so that each piece arrives alone; 1 millisecond by default.
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
    /// The errors of [`Endpoint::connect`].
    pub fn open(&self, case: &Case) -> io::Result<Connected> {
        self.suits(case)?;
        let stream = match (&self.at, case.needs.sender) {
            (Address::Tcp(address), Sender::Address(from)) => {
                Stream::tcp(Some(from.to_canonical()), *address, self.patience)?
            }
            (Address::Tcp(address), Sender::Local) => Stream::tcp(None, *address, self.patience)?,
            #[cfg(unix)]
            (Address::Unix(path), _) => Stream::unix(path, self.patience)?,
        };
        // A server that takes no bytes must not hold the sender for ever.
        stream.write_timeout(self.patience)?;
        Ok(Connected::new(stream, takes(case), self.patience, self.longest, self.pause))
    }

    /// Fails with the reason if a case cannot be played.
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
                // A case without an address of its own is sent from this machine over loopback.
                let listed = case.needs.allow_list().is_ok_and(|allow| allow.allows(from));
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
