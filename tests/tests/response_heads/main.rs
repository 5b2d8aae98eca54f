//! Heads of responses: rows with what front ends make of the same bytes, laws against a naive reader, and what the
//! encoder writes and refuses.

mod encoder;
mod laws;
mod matrix;
mod own;
mod rows;
