//! The service of a connection: asks the backend for each request.

use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, SERVER};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use uwsgi_tower::upgrade::{self, Upgraded};
use uwsgi_tower::{ClientError, PacketBuf, Stop};

use crate::access_log::{AccessLog, Entry};
use crate::body::{AnswerBody, BodyError, BodyLimits, BufferedBody, LimitedBody, read_whole};
use crate::buffer::Budget;
use crate::client_io::Phase;
use crate::proxy::answer::{Answering, AnsweringBody, option_for};
use crate::proxy::page::{last_page, page};
use crate::proxy::tunnel::Tunnel;
use crate::settings::Settings;
use crate::vars::{FrontAddresses, FrontBody, FrontRequest};

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Proxy {
    settings: Settings,
    client: uwsgi_tower::Client,
    budget: Arc<Budget>,
    access_log: Option<Arc<AccessLog>>,
    stop: Stop,
}

/// A connection of a client, as far as its requests have to know it.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    pub(crate) phase: Arc<Phase>,
    pub(crate) addresses: FrontAddresses,
    /// There are too many connections: this one gets a 503.
    pub(crate) is_refused: bool,
    /// The backend's side of the tunnel that a request of this connection has opened, and that request.
    tunnel: Mutex<Option<(Upgraded, Option<Answering>)>>,
}

/// The service of one connection.
#[derive(Debug, Clone)]
pub(crate) struct ProxyService {
    proxy: Arc<Proxy>,
    connection: Arc<ClientConnection>,
}

/// An answer of the gateway itself: for its health path, or because the backend cannot answer the request or must not get it.
#[derive(Debug)]
struct OwnAnswer {
    status: StatusCode,
    /// The connection closes after the answer.
    closes: bool,
}

/// With this header a backend switches off that its answer is read ahead, as with nginx
/// (ngx_http_upstream_module, `X-Accel-Buffering`).
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

impl Proxy {
    pub(crate) fn new(settings: Settings, client: uwsgi_tower::Client, stop: Stop) -> Self {
        let client =
            client.with_connect_timeout(settings.timeouts.connect).with_idle_timeout(settings.timeouts.backend);
        let budget = Budget::new(settings.limits.memory, settings.limits.temp, settings.temp_dir.clone());
        Self { settings, client, budget, access_log: None, stop }
    }

    pub(crate) fn with_access_log(self, log: AccessLog) -> Self {
        Self { access_log: Some(Arc::new(log)), ..self }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Notes that a request came.
    fn begin(&self, connection: &ClientConnection, parts: &Parts) -> Answering {
        let mut answering = Answering::new(&connection.phase, &parts.method, &parts.uri);
        if let Some(log) = &self.access_log {
            answering.log(log, Entry { client: connection.addresses.peer, ..Entry::new(parts) });
        }
        answering
    }

    async fn answer(
        &self,
        connection: &ClientConnection,
        mut answering: Answering,
        parts: Parts,
        body: Incoming,
    ) -> Response<AnsweringBody> {
        let answer = if connection.is_refused {
            Err(OwnAnswer::and_close(StatusCode::SERVICE_UNAVAILABLE))
        } else {
            self.forward(connection, &mut answering, &parts, body).await
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(OwnAnswer { status, closes: true }) => {
                answering.linger();
                last_page(status)
            }
            Err(OwnAnswer { status, closes: false }) => page(status),
        };
        if let Some(server) = &self.settings.server_header {
            answer.headers_mut().insert(SERVER, server.clone());
        }
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return answering.answer(answer, parts.version);
        }
        // The line of the log is written when the tunnel ends.
        if let Some(entry) = answering.entry() {
            entry.status = StatusCode::SWITCHING_PROTOCOLS.as_u16();
        }
        let head = Answering::new(&connection.phase, &parts.method, &parts.uri);
        connection.set_answering(answering);
        head.answer(answer, parts.version)
    }

    /// Asks the backend. A 101 opens the tunnel of the connection.
    async fn forward(
        &self,
        connection: &ClientConnection,
        answering: &mut Answering,
        parts: &Parts,
        body: Incoming,
    ) -> Result<Response<AnswerBody>, OwnAnswer> {
        let front = self.settings.translation.read(parts, &connection.addresses).map_err(|error| {
            tracing::info!("{answering}: {error:#}");
            OwnAnswer::and_close(error.status())
        })?;
        if let Some(entry) = answering.entry() {
            entry.client = front.client();
            entry.request_id = Some(front.request_id().into());
        }
        if self.settings.health_path.as_deref() == Some(parts.uri.path()) {
            let status = if self.stop.is_asked() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            return Err(OwnAnswer { status, closes: front.body() != FrontBody::None });
        }
        let mut is_body_read = true;
        let answer = match front.body() {
            FrontBody::None => self.send(packet(answering, &front, 0)?, Empty::<Bytes>::new()).await,
            FrontBody::Length(length) if self.settings.stream_bodies => {
                let packet = packet(answering, &front, length)?;
                let limits = self.body_limits(Some(length));
                if limits.is_declared_too_long() {
                    return Err(OwnAnswer::and_close(StatusCode::PAYLOAD_TOO_LARGE));
                }
                // The backend may answer before it has read the body.
                answering.linger();
                is_body_read = false;
                self.send(packet, LimitedBody::new(body, &limits)).await
            }
            FrontBody::Length(length) => {
                let packet = packet(answering, &front, length)?;
                let body = self.read_whole(answering, body, Some(length)).await?;
                self.send(packet, body).await
            }
            FrontBody::Chunked => {
                // The length has the most digits then. Whether the vars fit is found out before the body is read.
                drop(packet(answering, &front, self.settings.limits.body)?);
                let body = self.read_whole(answering, body, None).await?;
                self.send(packet(answering, &front, body.len())?, body).await
            }
        };
        match answer {
            Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => Self::switch(connection, answer).await,
            Ok(answer) => Ok(self.pass(answer)),
            Err(error) => {
                let status = status_of(&error);
                tracing::warn!("{answering}: {status}: {error:#}{}", option_for(&error));
                Err(OwnAnswer { status, closes: !is_body_read })
            }
        }
    }

    /// Reads the body of a request before the backend is asked.
    async fn read_whole(
        &self,
        answering: &Answering,
        body: Incoming,
        declared: Option<u64>,
    ) -> Result<BufferedBody, OwnAnswer> {
        read_whole(body, &self.body_limits(declared), &self.budget).await.map_err(|error| {
            tracing::info!("{answering}: {error:#}");
            // A client that broke off may still read; one that is gone does not.
            OwnAnswer::and_close(error.status().unwrap_or(StatusCode::BAD_REQUEST))
        })
    }

    async fn send<B>(&self, packet: PacketBuf, body: B) -> Result<Response<uwsgi_tower::Incoming>, ClientError>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        self.client.send(packet, body).await
    }

    const fn body_limits(&self, declared: Option<u64>) -> BodyLimits {
        BodyLimits { declared, limit: self.settings.limits.body, idle: self.settings.timeouts.body_idle }
    }

    /// Makes the answer for the client from the backend's.
    fn pass(&self, answer: Response<uwsgi_tower::Incoming>) -> Response<AnswerBody> {
        let (mut parts, body) = answer.into_parts();
        let is_streamed = match parts.headers.remove(X_ACCEL_BUFFERING) {
            Some(buffering) => buffering.as_bytes().eq_ignore_ascii_case(b"no") || self.settings.stream_answers,
            None => self.settings.stream_answers,
        };
        let body = if is_streamed {
            AnswerBody::streamed(body)
        } else {
            AnswerBody::buffered(body, &self.budget, self.settings.limits.body)
        };
        Response::from_parts(parts, body)
    }

    /// Opens the tunnel of a 101.
    async fn switch(
        connection: &ClientConnection,
        mut answer: Response<uwsgi_tower::Incoming>,
    ) -> Result<Response<AnswerBody>, OwnAnswer> {
        // uwsgi-tower has sent the upgrade before it returns the response, so this does not wait.
        let backend = upgrade::on(&mut answer).await;
        let backend = backend.map_err(|_| OwnAnswer { status: StatusCode::BAD_GATEWAY, closes: false })?;
        *connection.lock_tunnel() = Some((backend, None));
        answer.headers_mut().remove(CONTENT_LENGTH);
        Ok(answer.map(|_| AnswerBody::empty()))
    }
}

fn packet(answering: &Answering, front: &FrontRequest<'_>, length: u64) -> Result<PacketBuf, OwnAnswer> {
    front.packet(length).map_err(|error| {
        tracing::info!("{answering}: {error:#}");
        OwnAnswer::and_close(error.status())
    })
}

/// Returns the status for a backend that gave no answer. The bodies are those of the gateway.
fn status_of(error: &ClientError) -> StatusCode {
    match error {
        // The temporary file of a body that was read whole.
        ClientError::Body(error) if error.is::<std::io::Error>() => StatusCode::SERVICE_UNAVAILABLE,
        ClientError::Body(body) => body.downcast_ref().and_then(BodyError::status).unwrap_or(error.status()),
        error => error.status(),
    }
}

impl OwnAnswer {
    const fn and_close(status: StatusCode) -> Self {
        Self { status, closes: true }
    }
}

impl ClientConnection {
    pub(crate) fn new(phase: Arc<Phase>, addresses: FrontAddresses, is_refused: bool) -> Self {
        Self { phase, addresses, is_refused, tunnel: Mutex::new(None) }
    }

    /// Gives the tunnel the request that opened it.
    fn set_answering(&self, answering: Answering) {
        if let Some((_, place)) = &mut *self.lock_tunnel() {
            *place = Some(answering);
        }
    }

    fn lock_tunnel(&self) -> MutexGuard<'_, Option<(Upgraded, Option<Answering>)>> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProxyService {
    pub(crate) const fn new(proxy: Arc<Proxy>, connection: Arc<ClientConnection>) -> Self {
        Self { proxy, connection }
    }

    /// Takes the tunnel that the last request of the connection has opened.
    pub(crate) fn take_tunnel(&self) -> Option<Tunnel> {
        let (backend, answering) = self.connection.lock_tunnel().take()?;
        Some(Tunnel::new(backend, answering?))
    }
}

impl hyper::service::Service<Request<Incoming>> for ProxyService {
    type Response = Response<AnsweringBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { proxy, connection } = self.clone();
        let (parts, body) = request.into_parts();
        // Not in the future, because hyper may read, or drop the future, before it polls it.
        let answering = proxy.begin(&connection, &parts);
        Box::pin(async move { Ok(proxy.answer(&connection, answering, parts, body).await) })
    }
}
