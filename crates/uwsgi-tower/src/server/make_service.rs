//! What a server accepts as its service: a service that is cloned, or one that makes a service for each connection.

use core::convert::Infallible;
use core::fmt;
use core::future::{Ready, ready};
use core::marker::PhantomData;
use core::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::listener::Listener;
use crate::server::body::Body;

/// A connection that was accepted, for the service that makes a service for it. It is as axum's type of the same name.
///
/// ```
/// use core::convert::Infallible;
/// use http::{Request, Response};
/// use tokio::net::UnixListener;
/// use tower::service_fn;
/// use uwsgi_tower::{Body, IncomingStream};
///
/// async fn serve(listener: UnixListener) -> std::io::Result<()> {
///     let make = service_fn(|stream: IncomingStream<'_, UnixListener>| {
///         // The user of the front end, by the kernel's word.
///         let user = stream.io().peer_cred().map(|peer| peer.uid());
///         let answer = format!("the front end runs as {user:?}");
///         let service = service_fn(move |_: Request<Body>| {
///             core::future::ready(Ok::<_, Infallible>(Response::new(answer.clone())))
///         });
///         core::future::ready(Ok::<_, Infallible>(service))
///     });
///     uwsgi_tower::serve(listener, make).await
/// }
/// ```
pub struct IncomingStream<'a, L: Listener> {
    pub(crate) io: &'a L::Io,
    pub(crate) remote_addr: L::Addr,
}

impl<L: Listener> IncomingStream<'_, L> {
    /// Returns the connection. A TLS connection had no handshake yet.
    #[must_use]
    pub const fn io(&self) -> &L::Io {
        self.io
    }

    /// Returns the address of the peer, which is the front end.
    #[must_use]
    pub const fn remote_addr(&self) -> &L::Addr {
        &self.remote_addr
    }
}

impl<L: Listener<Addr: fmt::Debug>> fmt::Debug for IncomingStream<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingStream").field("remote_addr", &self.remote_addr).finish_non_exhaustive()
    }
}

/// What [`serve`](crate::serve()) takes as its service.
///
/// Two kinds of types implement it, and no other type needs to:
///
/// - a service of `Request<Body>` that is `Clone`, such as an axum `Router`, a `tower::service_fn` or a stack of layers. The
///   server clones it for each connection.
/// - a service that makes a service from an [`IncomingStream`], such as `Router::into_make_service`,
///   `Router::into_make_service_with_connect_info` and `tower::make::Shared`.
///
/// The compiler chooses the parameter `Kind`: [`Cloned`] or [`Made`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be served on a `{L}`",
    label = "not a service of `Request<uwsgi_tower::Body>` that is `Clone`, and not a service that makes one",
    note = "an axum `Router<S>` is a service once it has its state: `router.with_state(state)`",
    note = "an axum handler is a service once it has a path: `Router::new().route(\"/\", get(handler))`",
    note = "a service must be `Clone`, and its response an `http::Response`: `tower::service_fn(async |request: \
            http::Request<uwsgi_tower::Body>| ...)`",
    note = "a service that makes a service for each connection takes an `IncomingStream<'_, {L}>`, and its future does not \
            borrow it",
    note = "`into_make_service_with_connect_info::<SocketAddr>()` needs the feature `axum` of `uwsgi-tower`, and a listener over \
            TCP. Over a Unix socket write a type of your own and `impl Connected<IncomingStream<'_, UnixListener>> for MyInfo`, \
            with `axum::extract::connect_info::Connected` and `uwsgi_tower::IncomingStream`",
    note = "for the client's address, which is not that of the connection, call `router.into_make_service()` and take the \
            extension `uwsgi_tower::RemoteAddr`"
)]
pub trait IntoMakeService<L: Listener, Kind> {
    /// The service of a connection.
    type Service;
    /// The service that makes the services of connections.
    type MakeService: for<'a> Service<IncomingStream<'a, L>, Response = Self::Service, Error = Infallible>;

    /// Returns the service that makes the services of connections.
    fn into_make_service(self) -> Self::MakeService;
}

/// The kind of a service that is cloned for each connection: see [`IntoMakeService`].
#[derive(Debug)]
pub struct Cloned<B>(PhantomData<fn() -> B>);

/// The kind of a service that makes a service for each connection: see [`IntoMakeService`].
#[derive(Debug)]
pub struct Made<S>(PhantomData<fn() -> S>);

impl<L, S, B> IntoMakeService<L, Cloned<B>> for S
where
    L: Listener,
    S: Service<Request<Body>, Response = Response<B>> + Clone,
{
    type Service = S;
    type MakeService = CloneService<S>;

    fn into_make_service(self) -> CloneService<S> {
        CloneService(self)
    }
}

impl<L, M, S> IntoMakeService<L, Made<S>> for M
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Response = S, Error = Infallible>,
{
    type Service = S;
    type MakeService = M;

    fn into_make_service(self) -> M {
        self
    }
}

/// Clones a service for each connection, as `tower::make::Shared` does, which lies in a crate with many more parts.
#[derive(Debug, Clone)]
pub struct CloneService<S>(S);

impl<S: Clone, T> Service<T> for CloneService<S> {
    type Response = S;
    type Error = Infallible;
    type Future = Ready<Result<S, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}
