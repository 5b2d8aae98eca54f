//! What the tests and the fuzz targets share: captured packets, a naive second decoder, the bodies of the fuzz targets.

pub mod counting;
pub mod drive;
pub mod fuzz;
pub mod naive;
pub mod naive_http;
pub mod vectors;
