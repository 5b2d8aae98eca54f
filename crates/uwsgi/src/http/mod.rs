//! HTTP, as far as uwsgi needs it: the heads of answers, where bodies end, and headers about one connection.

pub(crate) mod body_framing;
pub(crate) mod chunked;
pub(crate) mod connection;
pub(crate) mod content_length;
pub(crate) mod head;
pub(crate) mod head_facts;
pub(crate) mod head_limits;
pub(crate) mod remaining_length;
pub(crate) mod response;
pub(crate) mod response_encoder;
pub(crate) mod response_error;
pub(crate) mod status_line;
pub(crate) mod token;
pub(crate) mod upgrade;
