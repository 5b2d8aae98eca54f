//! Our clients and real servers: uWSGI from PyPI, uWSGI from Debian, and gunicorn.
//!
//! The tests need the programs that `tests/peers` finds or installs. The feature `peers` turns them on.

mod commands;
mod messages;
mod routers;
mod server;
mod tower;
mod web;
