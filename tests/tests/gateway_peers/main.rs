//! `uwsgictl gateway` between real clients and real servers.
//!
//! The tests need the programs that `tests/peers` finds or installs. The feature `peers` turns them on. `tests/gateway-page` adds
//! a browser, and the package `uwsgi-wsgi` has the tests with its own server.

mod application;
mod backends;
mod bodies;
mod clients;
mod collection;
mod front;
mod reports;
