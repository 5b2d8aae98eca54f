//! The asynchronous server that the tests start: an axum router. Its options are `name=value` and include those of
//! `test-server`.

mod inspector;
mod work;

use std::fs::OpenOptions;
use std::future::{IntoFuture, ready};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::map_request;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Layer;
use tower::limit::GlobalConcurrencyLimitLayer;
use uwsgi::Limits;
use uwsgi::server::{AllowList, Settings};
use uwsgi_tests::trace;
use uwsgi_tower::{Listener, serve};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The options of a server besides its settings.
#[derive(Clone)]
struct Options {
    app: Router,
    allow: AllowList,
    most: usize,
    workers: usize,
}

async fn run() -> io::Result<()> {
    let mut settings = Settings::default();
    let mut options = Options { app: work::app(), allow: AllowList::default(), most: 1024, workers: 1024 };
    let (mut binds, mut inspects, mut log) = (Vec::new(), false, None);
    for option in std::env::args().skip(1) {
        let (name, value) = option.split_once('=').ok_or_else(|| io::Error::other(format!("{option}: no value")))?;
        let number = || value.parse::<u64>().map_err(io::Error::other);
        let count = || value.parse::<usize>().map_err(io::Error::other);
        let millis = || number().map(Duration::from_millis);
        match name {
            "allow" => options.allow = AllowList::parse(value).map_err(io::Error::other)?,
            "app" => inspects = value == "inspector",
            "bind" => binds.push(value.to_owned()),
            "body" => settings = settings.with_body_limit(number()?),
            "chunked" => settings.chunked = value == "yes",
            "grace" => settings.stop_grace = millis()?,
            "log" => log = Some(Arc::new(Mutex::new(OpenOptions::new().append(true).create(true).open(value)?))),
            "keepalive" => settings.keepalive = Some(millis()?),
            "max" => options.most = count()?,
            "queue" => settings.queue_wait = millis()?,
            "silence" => (settings.body_idle, settings.write_idle) = (millis()?, millis()?),
            "trace" => trace::on_stderr(value)?,
            "vars" => {
                let vars = value.parse().map_err(io::Error::other)?;
                settings = settings.with_limits(Limits::server().with_vars(vars));
            }
            "workers" => options.workers = count()?,
            _ => return Err(io::Error::other(format!("no option {name}"))),
        }
    }
    if inspects {
        options.app = inspector::app(settings.chunked);
    }
    if let Some(log) = log {
        // Each call writes one line.
        options.app = options.app.layer(map_request(move |request: Request| {
            let written = log.lock().expect("a log").write_all(format!("{}\n", request.uri()).as_bytes());
            ready(written.map(|()| request).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR))
        }));
    }
    let (stop, stopped) = watch::channel(());
    let mut files = Vec::new();
    let mut servers = JoinSet::new();
    for bind in &binds {
        let (options, stopped) = (options.clone(), stopped.clone());
        match bind.strip_prefix("unix:") {
            Some(path) => {
                // Where Apache is started as root, its workers run as another user.
                let (listener, file) = uwsgi_io::listen_unix(path, 0o666)?;
                listener.set_nonblocking(true)?;
                files.push(file);
                servers.spawn(one(UnixListener::from_std(listener)?, options, settings, stopped));
            }
            None => drop(servers.spawn(one(TcpListener::bind(bind).await?, options, settings, stopped))),
        }
    }
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    drop(stop);
    while let Some(ended) = servers.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Serves one listener until a stop.
async fn one<L: Listener>(
    listener: L,
    options: Options,
    settings: Settings,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let service = GlobalConcurrencyLimitLayer::new(options.workers).layer(options.app);
    serve(listener, service)
        .with_graceful_shutdown(async move {
            let _stopped = stopped.changed().await;
        })
        .with_settings(settings)
        .with_allow_list(options.allow)
        .with_max_connections(options.most)
        .into_future()
        .await
}
