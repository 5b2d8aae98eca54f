//! The commands of `uwsgictl`. Each has its options in `Args` and its work in `run`.

pub(crate) mod bench;
pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod gateway;
pub(crate) mod man;
pub(crate) mod ping;
pub(crate) mod request;
pub(crate) mod rpc;
pub(crate) mod serve;
pub(crate) mod signal;
pub(crate) mod spool;
pub(crate) mod subscribe;
