//! Shared code of the tests and the fuzz targets: captured packets, a naive second decoder, the bodies of the fuzz
//! targets, an HTTP/1.1 client for front ends, a backend that misbehaves, and starters for the programs under test.

#[cfg(unix)]
pub mod backend;
pub mod counting;
pub mod drive;
pub mod fuzz;
pub mod http1;
#[cfg(unix)]
pub mod load;
pub mod naive;
pub mod naive_cgi;
pub mod naive_http;
pub mod naive_vars;
#[cfg(unix)]
pub mod ours;
pub mod port;
#[cfg(all(feature = "peers", unix))]
pub mod programs;
pub mod script;
pub mod timeline;
pub mod trace;
pub mod vectors;
