//! What the tests and the fuzz targets share: captured packets, a naive second decoder, the bodies of the fuzz targets.

pub mod naive;
pub mod vectors;
