//! Tables of cases: each row has our verdict and what uWSGI and gunicorn do with the same bytes.
//!
//! "closes" for uWSGI means that it closes the connection without a response. gunicorn responds to such requests with a
//! 500 from its synchronous workers, and closes the connection in its asynchronous ones; the tables quote its parser.

mod acceptance;
mod framing;
mod front_ends;
mod gunicorn_bytes;
mod gunicorn_requests;
mod located;
mod malformed;
mod malformed_values;
mod names;
mod other_protocols;
mod parse_vars;
mod payload_forms;
mod repeated;
mod rows;
mod scheme;
mod targets;
mod written;
