//! `uwsgi-io` over connections in memory, driven as a server drives it.

mod body;
mod buffer;
mod ending;
mod waiting;

use std::io;
use std::time::Duration;

use uwsgi::server::Settings;
use uwsgi_server::{Addresses, Answer, App, AppError, Body, Call, serve_connection};
use uwsgi_tests::counting::CountingAllocator;
use uwsgi_tests::naive;
use uwsgi_tests::timeline::{Outcome, Timeline};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

type Done = Result<(), AppError>;

/// Returns a packet of these vars, written without the crate.
fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<(&str, &[u8])> = vars.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
    naive::encode_packet(0, 0, &naive::encode_vars(&pairs).unwrap()).unwrap()
}

fn get() -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")])
}

fn post(length: usize) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", "/"), ("CONTENT_LENGTH", &length.to_string())])
}

/// Returns an application that is a function of the body and the response.
fn app(run: impl Fn(&mut dyn Body, &mut dyn Answer) -> Done + Send + Sync) -> impl App {
    move |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| run(body, answer)
}

/// Sends the body back.
fn echo(body: &mut dyn Body, answer: &mut dyn Answer) -> Done {
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes)?;
    Ok(answer.whole(uwsgi_server::Head::new(200), &bytes)?)
}

fn keepalive() -> Settings {
    Settings::default().with_keepalive(Duration::from_secs(5))
}

fn serve(connection: &Timeline, app: &impl App, settings: Settings) -> io::Result<Outcome> {
    serve_connection(connection, app, &settings, Addresses::default()).map(|()| connection.outcome())
}

/// Returns both parts of the bytes, for each place to cut them in two.
fn splits(bytes: &[u8]) -> impl Iterator<Item = [&[u8]; 2]> {
    (0..=bytes.len()).map(|at| [&bytes[..at], &bytes[at..]])
}
