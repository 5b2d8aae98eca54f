//! Bodies that do what a test says.
