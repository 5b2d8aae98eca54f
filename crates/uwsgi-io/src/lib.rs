#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;
