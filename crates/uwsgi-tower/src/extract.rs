//! Extractors of axum, and the peer's address for axum's `ConnectInfo`.

use core::convert::Infallible;
use core::fmt;
use core::net::SocketAddr;

use axum::extract::connect_info::Connected;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::convert::request::{Modifiers, Peer, RemoteAddr, RequestUri, ScriptName, Vars};
use crate::listener::Listener;
use crate::server::make_service::IncomingStream;
use crate::stop::Stopping;

/// A handler asked for what its request does not have. The response has status 500, because the set-up of the server or of the
/// front end is at fault, and not the client.
///
/// Take an `Option` of the extractor if the request may do without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingFromRequest {
    reason: &'static str,
}

impl fmt::Display for MissingFromRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl core::error::Error for MissingFromRequest {}

impl IntoResponse for MissingFromRequest {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, self.reason).into_response()
    }
}

/// Makes an extension of a request an extractor, with the reason why it may be missing.
macro_rules! extractor {
    ($extension:ident, $reason:literal) => {
        impl<S: Sync> FromRequestParts<S> for $extension {
            type Rejection = MissingFromRequest;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingFromRequest> {
                parts.extensions.get().cloned().ok_or(MissingFromRequest { reason: $reason })
            }
        }

        impl<S: Sync> OptionalFromRequestParts<S> for $extension {
            type Rejection = Infallible;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
                Ok(parts.extensions.get().cloned())
            }
        }
    };
}

extractor!(RemoteAddr, "the front end sent no REMOTE_ADDR that is an IP address");
extractor!(RequestUri, "the front end sent no REQUEST_URI");
extractor!(Peer, "the connection came from no IP address");
extractor!(Vars, "the request did not come from a server of uwsgi-tower");
extractor!(Modifiers, "the request did not come from a server of uwsgi-tower");
extractor!(Stopping, "the request did not come from a server of uwsgi-tower");

/// The mount is empty if the application is not mounted.
impl<S: Sync> FromRequestParts<S> for ScriptName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(Self::empty))
    }
}

/// `ConnectInfo<SocketAddr>` of axum is the peer of the connection, which is the front end.
impl<L: Listener<Addr = Self>> Connected<IncomingStream<'_, L>> for SocketAddr {
    fn connect_info(stream: IncomingStream<'_, L>) -> Self {
        *stream.remote_addr()
    }
}
