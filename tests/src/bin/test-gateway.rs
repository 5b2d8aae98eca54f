//! The gateway that the load and fault tests start. Its options are `name=value`; times are in milliseconds.

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use uwsgi::Address;
use uwsgi_gateway::{Gateway, Settings, Stop};
use uwsgi_server::Listener;
use uwsgi_tests::trace;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut options = std::env::args().skip(1);
    let (Some(front), Some(backend)) = (options.next(), options.next()) else {
        return Err(io::Error::other("test-gateway ADDRESS BACKEND [NAME=VALUE]..."));
    };
    let mut settings = Settings::new(&backend).map_err(io::Error::other)?;
    for option in options {
        let (name, value) = option.split_once('=').ok_or_else(|| io::Error::other(format!("{option}: no value")))?;
        let number = || value.parse::<u64>().map_err(io::Error::other);
        let count = || value.parse::<usize>().map_err(io::Error::other);
        let millis = || number().map(Duration::from_millis);
        settings = match name {
            "threads" => settings.with_threads(count()?),
            "max" => settings.with_max_connections(count()?),
            "headers" => settings.with_headers_timeout(millis()?),
            "keepalive" => settings.with_keepalive(millis()?),
            "connect" => settings.with_connect_timeout(millis()?),
            "timeout" => settings.with_backend_timeout(millis()?),
            "send" => settings.with_send_timeout(millis()?),
            "body" => settings.with_body_timeout(millis()?),
            "grace" => settings.with_stop_timeout(millis()?),
            "memory" => settings.with_buffer_memory(number()?),
            "temp" => settings.with_temp_max(number()?),
            "temp_dir" => settings.with_temp_dir(value),
            "stream" => settings.with_streamed_bodies(value == "bodies"),
            "trace" => {
                trace::on_stderr(value)?;
                settings
            }
            _ => return Err(io::Error::other(format!("no option {name}"))),
        };
    }
    let listener = Listener::bind(Address::parse(&front).map_err(io::Error::other)?)?;
    let gateway = Gateway::new(settings).map_err(io::Error::other)?.listen(listener);
    stop_on_sigterm(gateway.stop_handle())?;
    gateway.run()
}

/// Stops the gateway at a SIGTERM, on a thread of its own.
fn stop_on_sigterm(stop: Stop) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // From here on the signal does not end the process.
    let mut term = runtime.block_on(async { signal(SignalKind::terminate()) })?;
    thread::spawn(move || {
        runtime.block_on(term.recv());
        stop.ask();
    });
    Ok(())
}
