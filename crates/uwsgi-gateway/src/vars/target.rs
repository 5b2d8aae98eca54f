//! The target and the host of a request.

use alloc::borrow::Cow;
use alloc::format;

use http::header::HOST;
use http::request::Parts;
use http::uri::Scheme;
use http::{Method, Version};
use uwsgi::Host;
use uwsgi::gateway::decoded_path;

use crate::vars::head_error::HeadError;
use crate::vars::headers::values;

/// The target and the host of a request.
#[derive(Debug)]
pub(crate) struct Target<'r> {
    /// `PATH_INFO`.
    pub(crate) path: Cow<'r, [u8]>,
    /// `QUERY_STRING`.
    pub(crate) query: &'r str,
    /// `REQUEST_URI`.
    pub(crate) request_uri: Cow<'r, str>,
    /// `HTTP_HOST`.
    pub(crate) host: Option<Host<'r>>,
}

impl<'r> Target<'r> {
    /// Checks the form of the target (RFC 9112 section 3.2) and the Host. The host of an absolute target replaces the Host (RFC
    /// 9112 section 3.2.2), which must be valid all the same.
    pub(crate) fn of(parts: &'r Parts) -> Result<Self, HeadError> {
        if parts.method == Method::CONNECT {
            return Err(HeadError::ConnectMethod);
        }
        let host_of_target = host_of_target(parts)?;
        let host = host_of_header(parts)?;
        let path = parts.uri.path();
        let path = match path {
            "*" if parts.method == Method::OPTIONS => Cow::Borrowed(&b"*"[..]),
            "*" => return Err(HeadError::Asterisk),
            path => decoded_path(path.as_bytes())?,
        };
        let request_uri = match parts.uri.path_and_query().map_or("/", |target| target.as_str()) {
            // `http://host?query` has no path, and its origin form has one (RFC 9112 section 3.2.1).
            query if query.starts_with('?') => Cow::Owned(format!("/{query}")),
            target => Cow::Borrowed(target),
        };
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self { path, query, request_uri, host: host_of_target.or(host) })
    }
}

/// Returns the host of an absolute target; `None` for other forms.
fn host_of_target(parts: &Parts) -> Result<Option<Host<'_>>, HeadError> {
    let Some(authority) = parts.uri.authority() else { return Ok(None) };
    match parts.uri.scheme() {
        None => return Err(HeadError::AuthorityForm),
        Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => {}
        Some(_) => return Err(HeadError::Scheme),
    }
    if authority.as_str().contains('@') {
        return Err(HeadError::UserInfo);
    }
    Host::parse(authority.as_str().as_bytes()).map(Some).ok_or(HeadError::InvalidHost)
}

/// Returns the Host. Only a request of HTTP/1.0 may have none.
fn host_of_header(parts: &Parts) -> Result<Option<Host<'_>>, HeadError> {
    let mut hosts = values(&parts.headers, &HOST);
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Err(HeadError::TwoHosts),
        (Some(host), None) => Host::parse(host).map(Some).ok_or(HeadError::InvalidHost),
        (None, _) if parts.version < Version::HTTP_11 => Ok(None),
        (None, _) => Err(HeadError::MissingHost),
    }
}
