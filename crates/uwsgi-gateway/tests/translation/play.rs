//! Gives the bytes of a head to hyper, and what hyper makes of them to the translation.

use core::convert::Infallible;
use std::sync::mpsc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use uwsgi::Modifier1;
use uwsgi_gateway::{Forwarding, FrontAddresses, FrontRequest, HeadError, HttpVar, Translation, TrustedProxies};

/// What became of a head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The vars, as `KEY=value`. An id that the gateway made is `ID`.
    Vars(Vec<String>),
    /// The translation refused the request.
    Status(u16),
    /// hyper refused the request.
    Hyper(u16),
}

/// Plays a head. `with` has these words, separated by spaces:
///
/// - `peer=ADDRESS:PORT` or `peer=unix`, and `local=ADDRESS:PORT`;
/// - `underscores`, `forwarded=append|none`, `proxy=LIST`, `header=NAME`, `var=KEY=VALUE`, `modifiers=N,N`: settings;
/// - `length=N`: the length of the body that the packet is made for.
pub(crate) fn play(with: &str, head: &[u8]) -> Outcome {
    let settings = Settings::parse(with);
    inspect(&settings, head, outcome).unwrap_or_else(Outcome::Hyper)
}

/// Gives a head to hyper, and what the translation makes of it to `look`. Returns what `look` returned, or the status with which
/// hyper refused the request.
pub(crate) fn inspect<T>(
    settings: &Settings,
    head: &[u8],
    look: impl Fn(&Settings, Result<FrontRequest<'_>, HeadError>) -> T,
) -> Result<T, u16> {
    let (sender, receiver) = mpsc::channel();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let (parts, _) = request.into_parts();
        sender.send(look(settings, settings.translation.read(&parts, &settings.front))).unwrap();
        async { Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new())) }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(async {
        let (mut client, server) = duplex(1 << 20);
        client.write_all(head).await.unwrap();
        let connection =
            http1::Builder::new().max_headers(1000).serve_connection(TokioIo::new(server), service).into_future();
        let mut answer = vec![0; 13];
        tokio::select! {
            _ = connection => {}
            read = client.read_exact(&mut answer) => drop(read.unwrap()),
        }
        // If the connection ended first, its answer is still to be read.
        if answer.first() == Some(&0) {
            let _closed = client.read_exact(&mut answer).await;
        }
        String::from_utf8(answer).unwrap()
    });
    receiver.try_recv().map_err(|_| answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0))
}

fn outcome(settings: &Settings, request: Result<FrontRequest<'_>, HeadError>) -> Outcome {
    let packet = request.and_then(|request| {
        let packet = request.packet(settings.length)?;
        agree(settings, &request, &packet);
        Ok((packet, request.request_id().to_owned()))
    });
    let (packet, id) = match packet {
        Ok(packet) => packet,
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            return Outcome::Status(error.status().as_u16());
        }
    };
    assert_eq!((packet.header().modifier1, packet.header().modifier2), settings.modifiers);
    let is_made = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let text = |bytes: &[u8]| match core::str::from_utf8(bytes) {
        Ok(text) if text == id && is_made => "ID".to_owned(),
        Ok(text) if is_made => text.replace(&id, "ID"),
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    };
    Outcome::Vars(packet.vars().unwrap().iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect())
}

/// The methods of a request return what is in its packet.
fn agree(settings: &Settings, request: &FrontRequest<'_>, packet: &uwsgi_tower::PacketBuf) {
    let vars = packet.vars().unwrap();
    let var = |key: &str| vars.get(key).map(|value| String::from_utf8_lossy(value).into_owned());
    // A var of the operator may replace any of these.
    let same = |key: &str, value: Option<String>| {
        assert!(settings.replaced.iter().any(|replaced| replaced == key) || var(key) == value, "{key}");
    };
    same("REMOTE_ADDR", Some(request.client().map(|address| address.to_string()).unwrap_or_default()));
    same("HTTP_HOST", request.host().map(ToOwned::to_owned));
    same("PATH_INFO", Some(String::from_utf8_lossy(request.path()).into_owned()));
    same("REQUEST_URI", Some(request.request_uri().to_owned()));
    same("HTTP_X_REQUEST_ID", Some(request.request_id().to_owned()));
    assert_eq!(var("HTTP_UPGRADE").is_some(), request.asks_for_websocket());
}

/// The settings of a row.
pub(crate) struct Settings {
    pub(crate) translation: Translation,
    pub(crate) front: FrontAddresses,
    length: u64,
    modifiers: (Modifier1, u8),
    replaced: Vec<String>,
}

impl Settings {
    pub(crate) fn parse(with: &str) -> Self {
        let (mut peer, mut local) = ("203.0.113.9:40000", "127.0.0.1:8080");
        let mut settings = Self {
            translation: Translation::new(),
            front: FrontAddresses::unix(),
            length: 0,
            modifiers: (Modifier1::WSGI, 0),
            replaced: Vec::new(),
        };
        for word in with.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let translation = settings.translation;
            settings.translation = match name {
                "underscores" => translation.with_underscores(true),
                "forwarded" if value == "append" => translation.with_forwarding(Forwarding::Append),
                "forwarded" if value == "none" => translation.with_forwarding(Forwarding::None),
                "proxy" => translation.with_trusted_proxies(TrustedProxies::parse(value).unwrap()),
                "header" => translation.with_trusted_header(value.parse().unwrap()),
                "var" => {
                    let var = HttpVar::parse(value).unwrap();
                    settings.replaced.push(var.key().to_owned());
                    translation.with_var(var)
                }
                "modifiers" => {
                    let (modifier1, modifier2) = value.split_once(',').unwrap();
                    settings.modifiers = (Modifier1(modifier1.parse().unwrap()), modifier2.parse().unwrap());
                    translation.with_modifiers(settings.modifiers.0, settings.modifiers.1)
                }
                _ => {
                    match name {
                        "peer" => peer = value,
                        "local" => local = value,
                        "length" => settings.length = value.parse().unwrap(),
                        _ => panic!("{word}"),
                    }
                    translation
                }
            };
        }
        if peer != "unix" {
            settings.front = FrontAddresses::tcp(peer.parse().unwrap(), local.parse().unwrap());
        }
        settings.translation.check().unwrap();
        settings
    }
}
