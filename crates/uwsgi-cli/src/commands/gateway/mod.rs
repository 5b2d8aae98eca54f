//! `uwsgictl gateway`: HTTP in front, uwsgi behind.

mod args;

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use uwsgi_gateway::{AccessLog, Forwarding, Gateway, Settings, SettingsError, Translation, TrustedProxies};
use uwsgi_server::Listener;

pub(crate) use self::args::Args;
use self::args::{Forwarded, LogFormat, Underscores};
use crate::exit::{Failure, Status};
use crate::{files, messages, serving};

/// Serves until a signal stops the gateway.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let [backend] = &*args.http_to else {
        let times = args.http_to.len();
        return Err(Failure::Failed(format!("--http-to was given {times} times, but there can be one backend only")));
    };
    let settings = settings(args, backend)?;
    // The last lines are written when this is dropped, after the gateway.
    let _log = serving::start_log();
    let mut gateway = Gateway::new(settings).map_err(|error| Failure::Failed(format!("{error:#}")))?;
    if let Some(file) = &args.access_log {
        let output = serving::log_output(file)?;
        gateway = gateway.with_access_log(match args.access_log_format {
            LogFormat::Combined => AccessLog::combined(output),
            LogFormat::Json => AccessLog::json(output),
        });
    }
    for address in &args.http {
        gateway = serving::listen(address, args.socket_mode)?.into_iter().fold(gateway, Gateway::listen);
    }
    let stop = gateway.stop_handle();
    stop_on_signals(move || stop.ask())
        .map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
    for listener in gateway.listeners() {
        messages::note(&format!("listening at {}", name(listener)));
    }
    messages::note(&format!("requests go to {backend}"));
    gateway.run().map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(Status::Success)
}

/// Returns the settings of the gateway.
fn settings(args: &Args, backend: &str) -> Result<Settings, Failure> {
    let failed = |error: String| Failure::Failed(error);
    if let Some(why) = files::not_a_socket(backend) {
        return Err(failed(format!("--http-to {backend}: {why}")));
    }
    let mut settings = Settings::new(backend)
        .map_err(|error| failed(format!("--http-to {backend}: {error}")))?
        .with_translation(translation(args)?)
        .with_max_connections(usize::try_from(args.max_connections).unwrap_or(usize::MAX))
        .with_max_body(args.max_body)
        .with_temp_max(args.temp_max)
        .with_buffer_memory(args.buffer_memory)
        .with_temp_dir(&args.temp_dir)
        .with_headers_timeout(args.http_headers_timeout)
        .with_keepalive(args.http_keepalive)
        .with_connect_timeout(args.http_connect_timeout)
        .with_backend_timeout(args.http_timeout)
        .with_send_timeout(args.send_timeout)
        .with_body_timeout(args.body_timeout)
        .with_websocket_timeout(args.websocket_timeout)
        .with_stop_timeout(args.stop_timeout)
        .with_streamed_bodies(args.stream_bodies)
        .with_streamed_answers(args.stream_answers);
    if let Some(path) = &args.health_path {
        settings = settings.with_health_path(path);
    }
    if let Some(server) = &args.server_header {
        settings = settings.with_server_header(server.clone());
    }
    if let Some(threads) = args.threads {
        settings = settings.with_threads(usize::from(threads));
    }
    Ok(settings)
}

/// Returns how requests become vars.
fn translation(args: &Args) -> Result<Translation, Failure> {
    let mut translation = Translation::new()
        .with_underscores(args.underscores == Underscores::Allow)
        .with_modifiers(args.http_modifier1, args.http_modifier2)
        .with_forwarding(match args.forwarded {
            Forwarded::Replace => Forwarding::Replace,
            Forwarded::Append => Forwarding::Append,
            Forwarded::None => Forwarding::None,
        });
    if !args.trusted_proxy.is_empty() {
        let proxies = TrustedProxies::parse(&args.trusted_proxy.join(","));
        let failed = |error| Failure::Failed(format!("--trusted-proxy: {error}"));
        translation = translation.with_trusted_proxies(proxies.map_err(failed)?);
    }
    for name in &args.trusted_header {
        translation = translation.with_trusted_header(name.clone());
    }
    for var in &args.http_var {
        translation = translation.with_var(var.clone());
    }
    match translation.check() {
        Ok(()) => Ok(translation),
        Err(error @ SettingsError::AppendWithoutTrustedProxy) => {
            Err(Failure::Failed(format!("--forwarded append: {error}: name it with --trusted-proxy")))
        }
        Err(error) => Err(Failure::Failed(format!("--trusted-header: {error}"))),
    }
}

/// Returns what to write into a browser, or the address of a Unix socket.
fn name(listener: &Listener) -> String {
    match listener.local_addr() {
        Some(local) => format!("http://{local}"),
        None if listener.to_string().starts_with('@') => listener.to_string(),
        None => format!("unix:{listener}"),
    }
}

/// Makes the first signal stop the gateway, and the second one end the process.
fn stop_on_signals(stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (mut receiver, sender) = UnixStream::pair()?;
    let is_stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128_i32.saturating_add(signal), Arc::clone(&is_stopping))?;
        flag::register(signal, Arc::clone(&is_stopping))?;
        low_level::pipe::register(signal, sender.try_clone()?)?;
    }
    thread::Builder::new().name("signals".into()).spawn(move || {
        if receiver.read_exact(&mut [0]).is_ok() {
            stop();
        }
    })?;
    Ok(())
}
