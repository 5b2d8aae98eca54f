//! Sends a request to a backend: encodes it, picks a connection, and sends it again if [`FailedAttempt`] allows that.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use uwsgi::client::{Exchange, FailedAttempt, is_idempotent};
use uwsgi::framing::declared_length;
use uwsgi::{Address, AddressError};
use uwsgi::{Modifier1, Packet, VarsEncoder};

use crate::client::connect::{Connector, connect};
use crate::client::error::ClientError;
use crate::client::exchange_driver::ExchangeDriver;
use crate::client::incoming::Incoming;
use crate::client::lookup::Lookup;
use crate::client::outgoing::{self, OutgoingBody, StreamedBody};
use crate::client::pool::Pool;
use crate::convert::request::Modifiers;
use crate::convert::vars::encode_vars;

/// A backend, the client's settings for it, and its idle connections.
pub(crate) struct Backend {
    pub(super) address: String,
    /// The addresses of the backend, if `address` is a name.
    pub(super) lookup: Arc<Lookup>,
    pub(super) connector: Option<Connector>,
    pub(super) connect_timeout: Duration,
    pub(super) idle_timeout: Duration,
    /// The most bytes of a body of unknown length that are collected.
    pub(super) collected: usize,
    /// The largest number of idle connections.
    pub(super) max_idle: usize,
    pub(super) retries_idempotent: bool,
    /// How long an idle connection is kept.
    pub(super) keep_for: Duration,
    pub(super) pool: Arc<Pool>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Backend {
    pub(super) fn new(address: &str) -> Result<Self, AddressError> {
        Address::parse(address)?.to_connect()?;
        let (max_idle, keep_for) = (0, Duration::from_secs(30));
        Ok(Self {
            address: address.into(),
            lookup: Arc::new(Lookup::new()),
            connector: None,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            collected: 1 << 20,
            max_idle,
            retries_idempotent: false,
            keep_for,
            pool: Arc::new(Pool::new(max_idle, keep_for)),
        })
    }

    /// Copies the backend, so that the copy can be changed. `Backend` is not `Clone`, because the copy still shares the pool.
    pub(super) fn copy(&self) -> Self {
        let Self {
            address,
            lookup,
            connector,
            connect_timeout,
            idle_timeout,
            collected,
            max_idle,
            retries_idempotent,
            keep_for,
            pool,
        } = self;
        Self {
            address: address.clone(),
            lookup: Arc::clone(lookup),
            connector: connector.clone(),
            connect_timeout: *connect_timeout,
            idle_timeout: *idle_timeout,
            collected: *collected,
            max_idle: *max_idle,
            retries_idempotent: *retries_idempotent,
            keep_for: *keep_for,
            pool: Arc::clone(pool),
        }
    }

    /// Sends a request, and waits for the head of its response.
    pub(super) async fn ask<B>(&self, request: Request<B>) -> Result<Response<Incoming>, ClientError>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let mut body: Pin<Box<dyn OutgoingBody>> = Box::pin(StreamedBody::new(body));
        let length = match declared(&parts)? {
            Some(length) => length,
            // The length is sent even if it is 0: without a length, no server could keep the connection.
            None => match body.length() {
                Some(length) => length,
                None => {
                    let (collected, length) = outgoing::collect(body, self.collected).await?;
                    body = collected;
                    length
                }
            },
        };
        self.send(encode(&parts, length)?, body).await
    }

    /// Sends an encoded request, and waits for the head of its response.
    pub(super) async fn send(
        &self,
        packet: Bytes,
        mut body: Pin<Box<dyn OutgoingBody>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let RequestFacts { exchange, is_connect, idempotent } = RequestFacts::of(&packet)?;
        let mut kept = self.pool.take();
        let mut is_repeat = false;
        loop {
            let connection_was_kept = kept.is_some();
            let io = match kept.take() {
                Some(io) => io,
                None => connect(&self.address, &self.lookup, self.connector.as_ref(), self.connect_timeout).await?,
            };
            let mut driver =
                ExchangeDriver::new(io, packet.clone(), body, exchange.clone(), self.idle_timeout, &self.pool)
                    .for_connect(is_connect);
            match driver.head().await {
                Ok(response) => return Ok(Incoming::response(driver, response)),
                Err(error) if error.is_stale() => {
                    let (answer_began, body_is_there) = (driver.answer_began(), driver.rewind_body());
                    let failed = FailedAttempt {
                        connection_was_kept,
                        is_repeat,
                        bytes_left: driver.request_began(),
                        answer_began,
                        body_is_there,
                        idempotent,
                        opted_in: self.retries_idempotent,
                    };
                    if !failed.may_be_repeated() {
                        return Err(error);
                    }
                    // The second attempt takes a new connection, because another idle connection may be closed too.
                    (body, is_repeat) = (driver.into_body(), true);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What the client has to know of an encoded request.
struct RequestFacts {
    exchange: Exchange,
    is_connect: bool,
    idempotent: bool,
}

impl RequestFacts {
    fn of(packet: &[u8]) -> Result<Self, ClientError> {
        let (packet, _) = Packet::decode(packet).map_err(ClientError::Request)?;
        let request = uwsgi::Request::decode(&packet).map_err(ClientError::Request)?;
        let exchange = Exchange::of(&request).map_err(ClientError::Framing)?;
        let method = request.method_or_get();
        Ok(Self { exchange, is_connect: method == b"CONNECT", idempotent: is_idempotent(method) })
    }
}

fn encode(parts: &Parts, length: u64) -> Result<Bytes, ClientError> {
    let mut packet = Vec::with_capacity(1024);
    let mut vars = VarsEncoder::new(&mut packet);
    encode_vars(parts, Some(length), &mut vars).map_err(ClientError::Vars)?;
    let modifiers = parts.extensions.get::<Modifiers>();
    let (modifier1, modifier2) =
        modifiers.map_or((Modifier1::WSGI, 0), |modifiers| (modifiers.modifier1, modifiers.modifier2));
    vars.finish(modifier1, modifier2).map_err(|error| ClientError::Vars(error.into()))?;
    Ok(packet.into())
}

/// Returns the length that the request's headers declare.
fn declared(parts: &Parts) -> Result<Option<u64>, ClientError> {
    let values = parts.headers.get_all(header::CONTENT_LENGTH).iter().map(HeaderValue::as_bytes);
    declared_length(values).map_err(ClientError::Framing)
}
