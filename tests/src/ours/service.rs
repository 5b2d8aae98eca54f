//! The application of the conformance cases as a `tower` service, and a `uwsgi_tower` server that runs it.

use std::collections::VecDeque;
use std::error::Error;
use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{Layer, service_fn};
use uwsgi::{Header, Modifier1};
use uwsgi_conformance::report::{self, report};
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Act, App, Case};
use uwsgi_tower::{Body, BodyError, Listener, Modifiers, Vars, serve};

use super::endpoint::{Stop, socket_path};
use super::{Gate, SocketKind};

type BoxError = Box<dyn Error + Send + Sync>;

/// The runtime of all servers.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
});

/// Starts the server that a case needs, as a task.
pub(super) fn start(case: &Case, socket: SocketKind, gate: &Arc<Gate>) -> io::Result<(Server, Stop)> {
    let _entered = RUNTIME.enter();
    let tcp = |socket: TcpSocket, address: IpAddr| {
        socket.bind(SocketAddr::new(address, 0))?;
        // Some cases open more than a thousand connections at once. A connection that finds the backlog full has to wait
        // for a second until the kernel tries again.
        let listener = socket.listen(4096)?;
        let at = Server::tcp(SocketAddr::from(([127, 0, 0, 1], listener.local_addr()?.port())));
        Ok((at, run(case, gate, listener)?))
    };
    match socket {
        SocketKind::Tcp => tcp(TcpSocket::new_v4()?, Ipv4Addr::LOCALHOST.into()),
        SocketKind::Both => tcp(TcpSocket::new_v6()?, Ipv6Addr::UNSPECIFIED.into()),
        SocketKind::Unix => {
            let path = socket_path();
            let stop = run(case, gate, tokio::net::UnixListener::bind(&path)?)?;
            let at = Server::unix(path.clone());
            Ok((
                at,
                Box::new(move || {
                    stop();
                    // The server may have removed the file first.
                    let _ = std::fs::remove_file(&path);
                }),
            ))
        }
    }
}

fn run<L: Listener>(case: &Case, gate: &Arc<Gate>, listener: L) -> io::Result<Stop> {
    let (needs, app) = (case.needs, case.app);
    let allow = needs.allow_list().map_err(io::Error::other)?;
    let gate = Arc::clone(gate);
    let service = service_fn(move |request| answer(app, needs.chunked, Arc::clone(&gate), request));
    // Cases that depend on a free worker run with one worker. Otherwise many cases share the server.
    let service = GlobalConcurrencyLimitLayer::new(if needs.busy > 0 { 1 } else { 64 }).layer(service);
    let asked = Arc::new(Notify::new());
    let signal = Arc::clone(&asked);
    let server = serve(listener, service)
        .with_graceful_shutdown(async move { signal.notified().await })
        .with_settings(needs.settings())
        .with_allow_list(allow)
        .with_max_connections(needs.most_connections);
    RUNTIME.spawn(server.into_future());
    Ok(Box::new(move || asked.notify_one()))
}

/// Responds as the application of a case. With `chunked`, its report says how a server that accepts chunked bodies
/// frames the body.
pub async fn answer(
    app: App,
    chunked: bool,
    gate: Arc<Gate>,
    request: Request<Body>,
) -> Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError> {
    let (parts, body) = request.into_parts();
    let vars = parts.extensions.get::<Vars>().ok_or("a request without vars")?.as_vars();
    if parts.uri.path() == Gate::PATH {
        tokio::task::spawn_blocking(move || gate.pass()).await?;
        return Ok(Response::new(Empty::new().map_err(BoxError::from).boxed_unsync()));
    }
    let Modifiers { modifier1, modifier2 } = *parts.extensions.get().ok_or("a request without modifiers")?;
    let mut acting = Acting {
        app,
        chunked,
        acts: app.acts().into(),
        packet: packet(modifier1, modifier2, vars.as_bytes()),
        body,
        ready: VecDeque::new(),
        read: report::Body::default(),
        text: String::new(),
        head: None,
    };
    // A head can be replaced until bytes follow it.
    let mut frames = Vec::new();
    while let Some(frame) = acting.next().await {
        let decides = frame.as_ref().map_or(true, |bytes| !bytes.is_empty());
        frames.push(frame);
        if decides {
            break;
        }
    }
    let Some((status, length)) = acting.head.take() else {
        return Err(frames.into_iter().find_map(Result::err).unwrap_or_else(|| "no head".into()));
    };
    let mut response = Response::builder().status(status).header("Content-Type", "text/plain");
    if let Some(length) = length {
        response = response.header("Content-Length", length);
    }
    let rest = stream::unfold(acting, async |mut acting| Some((acting.next().await?, acting)));
    let frames = stream::StreamExt::chain(stream::iter(frames), rest);
    let frames = stream::StreamExt::map(frames, |frame| frame.map(Frame::data));
    Ok(response.body(StreamBody::new(frames).boxed_unsync())?)
}

/// Returns the packet in which the vars came.
fn packet(modifier1: Modifier1, modifier2: u8, block: &[u8]) -> Vec<u8> {
    let datasize = u16::try_from(block.len()).expect("it was a packet");
    let header = Header { modifier1, datasize, modifier2 };
    [&header.to_bytes()[..], block].concat()
}

/// One request under way.
struct Acting {
    app: App,
    chunked: bool,
    acts: VecDeque<Act>,
    packet: Vec<u8>,
    body: Body,
    /// Pieces that leave before the next act.
    ready: VecDeque<Bytes>,
    read: report::Body,
    text: String,
    head: Option<(u16, Option<u64>)>,
}

impl Acting {
    /// Returns the next piece of the response's body.
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(Ok(piece));
            }
            let act = self.acts.pop_front()?;
            if let Err(error) = self.act(act).await {
                self.acts.clear();
                return Some(Err(error));
            }
        }
    }

    async fn act(&mut self, act: Act) -> Result<(), BoxError> {
        match act {
            Act::Fail => return Err("as asked".into()),
            Act::Give(count) => self.ready.push_back(vec![b'a'; count].into()),
            Act::GiveReport => self.ready.push_back(self.text.clone().into()),
            Act::GiveReportInPieces => {
                let piece = |byte: u8| [Bytes::new(), Bytes::from(vec![byte]), Bytes::new()];
                self.ready.extend(self.text.bytes().flat_map(piece));
            }
            Act::Head(status, length) => self.head = Some((status, length)),
            // Simulated work.
            Act::Pause(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Act::Read(count) => self.read(count).await?,
            Act::ReadAgain => {
                let before = self.read.bytes.len();
                self.read(usize::MAX).await?;
                self.read.again = Some(self.read.bytes.len() - before);
            }
            Act::ReportHead { length } => {
                self.text = report(&self.packet, self.chunked, &self.read);
                self.head = Some((200, length.then_some(self.text.len() as u64)));
            }
            act => return Err(format!("{act:?} is an act that this application does not know").into()),
        }
        Ok(())
    }

    /// Reads until there are `count` bytes in all, or to the end. The rest of the last frame is dropped.
    async fn read(&mut self, count: usize) -> Result<(), BoxError> {
        while self.read.bytes.len() < count {
            match self.body.frame().await {
                None => return Ok(()),
                Some(Ok(frame)) => self.read.bytes.extend(frame.into_data().unwrap_or_default()),
                Some(Err(error)) if self.app.takes_read_errors() => {
                    self.read.error = Some(BodyError::refusal(&error).ok_or("a read failed without a reason")?);
                    return Ok(());
                }
                Some(Err(error)) => return Err(error.into()),
            }
        }
        self.read.bytes.truncate(count);
        Ok(())
    }
}
