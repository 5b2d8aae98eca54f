#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod address;
#[cfg(feature = "alloc")]
mod address_buf;
#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod cgi;
pub mod client;
pub mod gateway;
mod http;
pub mod message;
pub mod server;
mod time;
mod wire;

pub use address::{Address, AddressError};
#[cfg(feature = "alloc")]
pub use address_buf::AddressBuf;
pub use cgi::check::{ContentError, ContentErrorKind, check, check_var};
pub use cgi::control::ControlVar;
pub use cgi::forward::passes_to_backend;
pub use cgi::headers::{HeaderValues, Headers, RawHeaders, is_upgrade};
pub use cgi::host::Host;
pub use cgi::mount::{below_mount, trim_mount};
pub use cgi::name::HeaderName;
pub use cgi::percent::Encoded;
pub use cgi::policy::HeaderPolicy;
pub use cgi::request::Request;
pub use cgi::scheme::Scheme;
pub use cgi::target::{RequestUri, Target, is_request_uri_of};
pub use cgi::vars_encoder::{VarsEncoder, encoded_len};
pub use http::connection::connection_lists;
pub use time::Time;
pub use wire::array::{Array, Items};
pub use wire::array_encoder::ArrayEncoder;
pub use wire::buffer::Buffer;
pub use wire::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use wire::header::{Foreign, Header};
pub use wire::limits::Limits;
pub use wire::modifier::{Modifier1, PayloadForm, Standing};
pub use wire::packet::{Content, Packet};
pub use wire::source::write_source;
#[cfg(feature = "alloc")]
pub use wire::vars::VarsBuf;
pub use wire::vars::{GetAll, Iter, Pairs, Vars};

/// Where the body of a request ends, and where the body of an answer ends.
pub mod framing {
    pub use crate::http::body_framing::{
        RequestFraming, ResponseFraming, bytes_may_follow, request_framing, response_framing,
    };
    pub use crate::http::content_length::{
        FramingError, content_length, declared_length, is_length_right, whole_length,
    };
}

/// The answer to a web request, which is HTTP: decodes and encodes its head.
pub mod response {
    pub use crate::http::connection::{is_hop_by_hop, passes};
    pub use crate::http::head::{HeadEnd, HeaderLines};
    pub use crate::http::head_limits::HeadLimits;
    pub use crate::http::response::{HeadStyle, ResponseHead};
    pub use crate::http::response_encoder::{EncodedHead, RefusedLine, ResponseEncoder};
    pub use crate::http::response_error::{ResponseError, ResponseErrorKind};
    pub use crate::http::status_line::split_status_code;
}

/// Chunked bodies of requests and answers.
pub mod chunked {
    pub use crate::http::chunked::{ChunkError, ChunkStep, Chunked};
}
