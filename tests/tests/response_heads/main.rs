//! Heads of answers: rows with what front ends make of the same bytes, laws against a naive reader, and what the
//! encoder writes and refuses to.

mod encoder;
mod laws;
mod matrix;
mod own;
mod rows;
