//! Reads the head of a request.

use alloc::borrow::Cow;

use http::Version;
use http::header::{CONNECTION, EXPECT, UPGRADE};
use http::request::Parts;
use uwsgi::gateway::{Expectation, asks_for_websocket, expectation, is_request_id};

use crate::vars::body::FrontBody;
use crate::vars::client::Client;
use crate::vars::encode;
use crate::vars::front_addresses::FrontAddresses;
use crate::vars::front_request::FrontRequest;
use crate::vars::head_error::HeadError;
use crate::vars::headers::{X_REQUEST_ID, listed, received, refuse_folded_names, values};
use crate::vars::request_id;
use crate::vars::target::Target;
use crate::vars::translation::Translation;

impl Translation {
    /// Checks the head of a request, and finds out who sent it. `parts` is what hyper 1.12 made of the bytes.
    ///
    /// # Errors
    ///
    /// [`HeadError`]: the request must be refused. Vars that do not fit into a packet are found here too, unless the digits of a
    /// chunked body's length are too many: [`FrontRequest::packet`] finds that.
    pub fn read<'r>(&'r self, parts: &'r Parts, front: &'r FrontAddresses) -> Result<FrontRequest<'r>, HeadError> {
        if self.underscores {
            refuse_folded_names(&parts.headers)?;
        }
        // RFC 9110 section 10.1.1: a server ignores Expect in HTTP/1.0.
        let is_http_11 = parts.version >= Version::HTTP_11;
        if is_http_11 && expectation(values(&parts.headers, &EXPECT)) == Expectation::Unknown {
            return Err(HeadError::Expectation);
        }

        let target = Target::of(parts)?;
        let body = FrontBody::of(parts)?;
        let headers = &parts.headers;
        let client = Client::of(self, headers, front);
        let of_proxy = || received(headers, &X_REQUEST_ID, self.underscores).next_back();
        let of_proxy = if client.is_peer_trusted { of_proxy() } else { None };
        let kept = of_proxy.filter(|id| is_request_id(id)).and_then(|id| core::str::from_utf8(id).ok());
        let websocket = body == FrontBody::None
            && parts.version == Version::HTTP_11
            && asks_for_websocket(
                parts.method.as_str().as_bytes(),
                values(headers, &CONNECTION),
                values(headers, &UPGRADE),
            );
        let request = FrontRequest {
            translation: self,
            parts,
            front,
            target,
            client,
            body,
            request_id: kept.map_or_else(|| Cow::Owned(request_id::new()), Cow::Borrowed),
            listed: listed(headers),
            websocket,
        };
        encode::check_size(&request)?;
        Ok(request)
    }
}
