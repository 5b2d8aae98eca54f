//! Three servers with one application: our blocking server, our asynchronous server, and hyper, which shows what an application
//! sees behind `proxy_pass`.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::future::IntoFuture;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;
use uwsgi::server::Settings;
use uwsgi_server::{AccessLog, Answer, AppError, Body, Call, Handle, Head, Server};
use uwsgi_tests::http1::latin1;
use uwsgi_tests::programs::TestDir;
use uwsgi_tower::{ScriptName, Vars, serve};

use super::application::{Reply, Seen};

/// The timeout for the next bytes of a body. Front ends send a body at once.
const BODY_IDLE: Duration = Duration::from_secs(1);

/// The servers, each at its own Unix socket. They stop when this is dropped.
#[derive(Debug)]
pub struct Servers {
    pub blocking: Running,
    pub asynchronous: Running,
    pub hyper: Running,
    handle: Handle,
    stop: watch::Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    pub name: &'static str,
    /// Whether it speaks HTTP, not uwsgi.
    pub is_http: bool,
    pub socket: PathBuf,
    record: Record,
    /// What it logged.
    pub log: Log,
}

/// The requests that the application saw, in their order.
type Record = Arc<Mutex<Vec<Seen>>>;

impl Servers {
    pub fn start(test_dir: &TestDir) -> Self {
        let [blocking, asynchronous, hyper] = ["blocking", "asynchronous", "hyper"].map(|name| Running {
            name,
            is_http: name == "hyper",
            socket: test_dir.path(&format!("{name}.sock")),
            record: Record::default(),
            log: Log::default(),
        });
        let mut settings = Settings::default();
        settings.body_idle = BODY_IDLE;
        let (stop, stopped) = watch::channel(());
        let (server, handle) = start_blocking(&blocking, settings);
        let ends = stopped.clone();
        let threads = vec![
            server,
            start_runtime(&asynchronous, move |listener, running| asynchronously(listener, running, settings, stopped)),
            start_runtime(&hyper, move |listener, running| over_http(listener, running, ends)),
        ];
        Self { blocking, asynchronous, hyper, handle, stop, threads }
    }

    /// Returns all servers.
    pub fn all(&self) -> [&Running; 3] {
        [&self.blocking, &self.asynchronous, &self.hyper]
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.handle.stop();
        let _ended = self.stop.send(());
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "a server panicked");
        }
    }
}

impl Running {
    /// Returns the requests that its application saw so far.
    pub fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn copy(&self) -> Self {
        Self { socket: self.socket.clone(), record: Arc::clone(&self.record), log: self.log.clone(), ..*self }
    }

    fn record(&self, seen: Seen) {
        self.seen().push(seen);
    }
}

/// Lets every user connect to a socket: if root starts Apache, its workers are another user.
fn open_to_all(socket: &Path) {
    fs::set_permissions(socket, Permissions::from_mode(0o666)).expect("a socket of ours");
}

fn start_blocking(running: &Running, settings: Settings) -> (JoinHandle<()>, Handle) {
    let application = running.copy();
    let app = move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        let read = io::copy(body, &mut io::sink());
        let seen = seen_by_blocking(call, read.as_ref().ok().copied());
        let Reply { status, headers, body } = seen.reply();
        application.record(seen);
        // The server answers if something is wrong with a body.
        read?;
        let head = headers.iter().fold(Head::new(status), |head, (name, value)| head.with(name, value));
        Ok(answer.whole(head, body.as_bytes())?)
    };
    let socket = running.socket.to_str().expect("a path that is text");
    let server = Server::new(app).expect("a server").bind(socket).expect("a socket");
    open_to_all(&running.socket);
    let server = server.with_settings(settings).with_access_log(AccessLog::combined(running.log.clone()));
    let handle = server.handle();
    (thread::spawn(move || server.run().expect("a server")), handle)
}

/// Returns the request as an application of the blocking server sees it.
fn seen_by_blocking(call: &Call<'_>, body: Option<u64>) -> Seen {
    let request = call.request();
    let target = request.target();
    let mount = Some(target.mount()).filter(|mount| !mount.is_empty()).map(latin1);
    let target = String::from_utf8(target.bytes().collect()).unwrap_or_else(|_| target.to_string());
    let headers = request.headers().map(|(name, value)| (name.to_string(), latin1(value)));
    Seen::new(&latin1(request.method_or_get()), target, mount, body, headers.collect(), vars(request.vars()))
}

/// Starts a thread with a runtime that serves at the socket and writes the log.
fn start_runtime<F: Future<Output = ()>>(
    running: &Running,
    serving: impl FnOnce(UnixListener, Running) -> F + Send + 'static,
) -> JoinHandle<()> {
    let listener = std::os::unix::net::UnixListener::bind(&running.socket).expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    open_to_all(&running.socket);
    let running = running.copy();
    let log = running.log.clone();
    thread::spawn(move || {
        let lines = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).without_time();
        let _logged = lines.with_writer(move || log.clone()).set_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { serving(UnixListener::from_std(listener).expect("a socket"), running).await });
    })
}

fn asynchronously(
    listener: UnixListener,
    running: Running,
    settings: Settings,
    mut stopped: watch::Receiver<()>,
) -> impl Future<Output = ()> {
    let running = Arc::new(running);
    let service = tower::service_fn(move |request| answer(Arc::clone(&running), request));
    let server = serve(listener, service).with_settings(settings).with_graceful_shutdown(async move {
        let _stopped = stopped.changed().await;
    });
    async { server.into_future().await.expect("a server") }
}

async fn over_http(listener: UnixListener, running: Running, mut stopped: watch::Receiver<()>) {
    let running = Arc::new(running);
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => accepted.expect("a connection").0,
            _ = stopped.changed() => return,
        };
        let running = Arc::clone(&running);
        let service = service_fn(move |request| answer(Arc::clone(&running), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

/// The application of the asynchronous server and of hyper.
async fn answer<B: http_body::Body>(
    running: Arc<Running>,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(BODY_IDLE * 2, body.collect()).await.ok();
    let read = read.and_then(|read| Some(read.ok()?.to_bytes().len() as u64));
    let mount = parts.extensions.get::<ScriptName>().map(|name| latin1(name.as_bytes()));
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), latin1(value.as_bytes())));
    let raw = parts.extensions.get::<Vars>().map(|raw| vars(raw.as_vars())).unwrap_or_default();
    // The whole URI. In origin form it has no scheme and no authority.
    let target = parts.uri.to_string();
    let seen = Seen::new(parts.method.as_str(), target, mount, read, headers.collect(), raw);
    let Reply { status, headers, body } = seen.reply();
    running.record(seen);
    let response =
        headers.iter().fold(Response::builder().status(status), |head, (name, value)| head.header(*name, value));
    Ok(response.body(Full::from(body)).expect("an answer"))
}

/// Returns the vars of the target, as they came, for the message of a failure.
fn vars(vars: uwsgi::Vars<'_>) -> String {
    let keys =
        ["REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH", "HTTP_HOST"];
    let of_target = vars.iter().filter(|(key, _)| keys.iter().any(|name| name.as_bytes() == *key));
    let words: Vec<_> =
        of_target.map(|(key, value)| format!("{}=\"{}\"", key.escape_ascii(), value.escape_ascii())).collect();
    format!(" from {}", words.join(" "))
}

/// The log of a server: one record for each call that wrote.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Vec<u8>>>>);

impl Log {
    /// Returns the records that are not one line of text.
    pub fn broken(&self) -> Vec<String> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_line =
            |record: &[u8]| record.strip_suffix(b"\n").is_some_and(|line| !line.iter().any(u8::is_ascii_control));
        records.iter().filter(|record| !is_line(record)).map(|record| record.escape_ascii().to_string()).collect()
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Write for Log {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| ErrorKind::Other)?.push(record.to_vec());
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
