#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod cgi {
    pub(crate) mod check;
    pub(crate) mod control;
    pub(crate) mod forward;
    pub(crate) mod headers;
    pub(crate) mod host;
    #[cfg(feature = "alloc")]
    pub(crate) mod joined;
    pub(crate) mod many;
    pub(crate) mod name;
    pub(crate) mod percent;
    pub(crate) mod request;
    pub(crate) mod scheme;
    pub(crate) mod target;
}
mod http {
    pub(crate) mod answer;
    pub(crate) mod chunked;
    pub(crate) mod connection;
    pub(crate) mod declared;
    pub(crate) mod framing;
    pub(crate) mod head;
    pub(crate) mod response;
    pub(crate) mod response_error;
    pub(crate) mod upgrade;
}
pub mod client;
pub mod message;
pub mod server;
mod wire {
    pub(crate) mod array;
    pub(crate) mod buffer;
    pub(crate) mod control_bytes;
    pub(crate) mod decimal;
    pub(crate) mod draft;
    pub(crate) mod encode;
    pub(crate) mod error;
    pub(crate) mod grammar;
    pub(crate) mod header;
    pub(crate) mod limits;
    pub(crate) mod modifier;
    pub(crate) mod packet;
    pub(crate) mod policy;
    pub(crate) mod vars;
}

pub use cgi::check::{ContentError, ContentErrorKind, check, check_var};
pub use cgi::control::ControlVar;
pub use cgi::forward::passes_to_backend;
pub use cgi::headers::{HeaderValues, Headers, RawHeaders, is_upgrade};
pub use cgi::host::Host;
pub use cgi::name::HeaderName;
pub use cgi::percent::Encoded;
pub use cgi::request::Request;
pub use cgi::scheme::Scheme;
pub use cgi::target::{RequestUri, Target, below_mount, is_request_uri_of, trim_mount};
pub use http::connection::connection_lists;
pub use wire::array::{Array, Items};
pub use wire::buffer::Buffer;
pub use wire::encode::{ArrayEncoder, VarsEncoder, encoded_len};
pub use wire::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use wire::header::{Foreign, Header};
pub use wire::limits::Limits;
pub use wire::modifier::{Modifier1, PayloadForm, Standing};
pub use wire::packet::{Content, Packet};
pub use wire::policy::HeaderPolicy;
#[cfg(feature = "alloc")]
pub use wire::vars::VarsBuf;
pub use wire::vars::{GetAll, Iter, Pairs, Vars};

/// Where bodies end.
pub mod framing {
    pub use crate::http::framing::{
        FramingError, RequestBody, ResponseBody, content_length, declared_length, is_length_right, request_body,
        response_body, whole_length,
    };
}

/// The answer to a web request, which is HTTP: its head, read and written.
pub mod response {
    pub use crate::http::answer::{EncodedHead, RefusedLine, ResponseEncoder, is_hop_by_hop, passes};
    pub use crate::http::head::{HeadEnd, HeaderLines};
    pub use crate::http::response::{HeadLimits, HeadStyle, ResponseHead};
    pub use crate::http::response_error::{ResponseError, ResponseErrorKind};
}

/// Chunked bodies.
pub mod chunked {
    pub use crate::http::chunked::{ChunkError, ChunkStep, Chunked};
}
