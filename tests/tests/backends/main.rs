//! Our client and real servers: uWSGI from PyPI and from Debian, gunicorn.
//!
//! They need the programs that `tests/peers` finds or installs, and so the feature `peers`.

mod commands;
mod messages;
mod routers;
mod server;
mod tower;
mod web;
