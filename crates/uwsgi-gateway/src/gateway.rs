//! The gateway: its listeners and its threads.

use core::net::SocketAddr;
use core::num::NonZero;
use std::io;
use std::thread;

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use tokio::io::{AsyncRead, AsyncWrite};
use uwsgi::server::ConnectionLimit;
use uwsgi_server::{Listener, raise_open_files};
use uwsgi_tower::{Client, Stop};

use crate::access_log::AccessLog;
use crate::proxy::Proxy;
use crate::server::{ConnectionSender, ConnectionTracker, Worker, serve};
use crate::settings::Settings;
use crate::vars::{FrontAddresses, SettingsError};

/// A gateway from HTTP/1.1 to uwsgi.
///
/// ```no_run
/// use uwsgi::Address;
/// use uwsgi_gateway::{Gateway, Settings};
/// use uwsgi_server::Listener;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::bind(Address::parse("127.0.0.1:8080")?)?;
/// Gateway::new(Settings::new("unix:/run/app.sock")?)?.listen(listener).run()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Gateway {
    proxy: Proxy,
    listeners: Vec<Listener>,
    stop: Stop,
}

/// Serves connections that the program accepts itself. Clones share all limits.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use uwsgi_gateway::{FrontAddresses, Gateway, Settings};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("unix:/run/app.sock")?.with_health_path("/health");
/// let server = Gateway::new(settings)?.into_connection_server();
/// let (mut client, connection) = tokio::io::duplex(4096);
/// tokio::spawn(async move { server.serve(connection, FrontAddresses::unix()).await });
/// client.write_all(b"GET /health HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ConnectionServer {
    proxy: Arc<Proxy>,
    stop: Stop,
}

/// How many descriptors a connection may need: its own, that of the backend, and those of two temporary files.
const DESCRIPTORS: usize = 4;

impl ConnectionServer {
    /// Serves a connection until it ends, or until the [stop](Gateway::stop_handle). The limits on connections and on the time
    /// of a stop do not apply. A connection that breaks off in an answer is only dropped, which a client of HTTP/1.0 may take
    /// for the end of the answer.
    pub async fn serve<I>(&self, io: I, addresses: FrontAddresses)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        serve(Arc::clone(&self.proxy), io, |_| (), addresses, false, self.stop.clone()).await;
    }
}

impl Gateway {
    /// Makes a gateway with these settings. It listens nowhere yet.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]: the settings contradict each other, or the address of the backend is not one to connect to.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let client = Client::new(&settings.backend).map_err(SettingsError::Backend)?;
        Self::with_client(settings, client)
    }

    /// Makes a gateway that asks its backend through this client, for a backend that a
    /// [connector](Client::with_connector) reaches. The address in the settings is not used.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]: the settings contradict each other.
    pub fn with_client(settings: Settings, client: Client) -> Result<Self, SettingsError> {
        settings.translation.check()?;
        let stop = Stop::new();
        Ok(Self { proxy: Proxy::new(settings, client, stop.clone()), listeners: Vec::new(), stop })
    }

    /// Adds a listener.
    #[must_use]
    pub fn listen(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Sets the access log; off by default.
    #[must_use]
    pub fn with_access_log(self, log: AccessLog) -> Self {
        Self { proxy: self.proxy.with_access_log(log), ..self }
    }

    /// Returns a server for connections that the program accepts itself.
    #[must_use]
    pub fn into_connection_server(self) -> ConnectionServer {
        ConnectionServer { proxy: Arc::new(self.proxy), stop: self.stop }
    }

    /// Returns the listeners.
    #[must_use]
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Returns the TCP addresses that the gateway listens at.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(Listener::local_addr).collect()
    }

    /// Returns a handle that stops the gateway: [`Stop::ask`].
    #[must_use]
    pub fn stop_handle(&self) -> Stop {
        self.stop.clone()
    }

    /// Serves until a stop. Then it accepts no more connections, closes idle ones, and finishes what began, within
    /// [`with_stop_timeout`](Settings::with_stop_timeout).
    ///
    /// # Errors
    ///
    /// The directory for temporary files cannot be written. The system cannot start a thread or a runtime. A thread has panicked;
    /// the others have stopped as after [`stop_handle`](Self::stop_handle).
    pub fn run(self) -> io::Result<()> {
        let Self { proxy, listeners, stop } = self;
        let settings = proxy.settings();
        // Checks the directory now. Otherwise the first large body would get a 503.
        if let Err(error) = tempfile::tempfile_in(&settings.temp_dir) {
            let directory = settings.temp_dir.display();
            return Err(io::Error::new(
                error.kind(),
                format!("no temporary file can be made in {directory}: {error}: choose another directory"),
            ));
        }
        raise_open_files(ConnectionLimit::new(settings.limits.connections).max_open().saturating_mul(DESCRIPTORS));
        let threads = settings.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        let tracker = ConnectionTracker::new(settings.limits.connections);
        let proxy = Arc::new(proxy);
        let (mut workers, mut senders) = (Vec::new(), Vec::new());
        for index in 0..threads {
            let (worker, sender) = Worker::new(index, Arc::clone(&proxy), Arc::clone(&tracker), stop.clone());
            workers.push(worker.prepare(&listeners)?);
            senders.push(sender);
        }
        let (listeners, senders): (Arc<[Listener]>, Arc<[ConnectionSender]>) = (listeners.into(), senders.into());
        let (mut running, mut ran) = (Vec::new(), Ok(()));
        for worker in workers {
            let (listeners, senders, stop) = (Arc::clone(&listeners), Arc::clone(&senders), stop.clone());
            let stop_all = stop.clone();
            let thread = thread::Builder::new().name("uwsgi-gateway".to_string()).spawn(move || {
                let _stop_all = StopOnDrop(stop);
                worker.run(listeners, &senders);
            });
            match thread {
                Ok(thread) => running.push(thread),
                Err(error) => {
                    stop_all.ask();
                    ran = Err(error);
                }
            }
        }
        // The threads close the listeners.
        drop(listeners);
        for thread in running {
            if thread.join().is_err() {
                ran = Err(io::Error::other("a thread of the gateway has panicked"));
            }
        }
        ran
    }
}

/// Stops all threads when one of them ends, also by a panic.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.ask();
    }
}
