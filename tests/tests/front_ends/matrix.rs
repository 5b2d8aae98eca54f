//! Sends every case through every front end to every server.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use uwsgi_tests::http1::{Answer, Connection};
use uwsgi_tests::programs::{
    Certificate, Listen, Peer, Port, Program, Snippet, TestDir, apache, lighttpd, nginx, uwsgi_http, uwsgi_worker,
    uwsgictl_serve, version,
};

use super::case::{Case, Expect, filling};
use super::collection::CASES;
use super::curl;
use super::deviations::DEVIATIONS;
use super::verdict::check;

/// How long an exchange may take. A small one takes milliseconds, one of 20 MB a second.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A server behind the front ends, with the inspector as its application.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    pub name: &'static str,
    /// Whether it is a server of this project.
    pub ours: bool,
    /// Starts it, under a name that is unique in this test directory.
    pub start: for<'s> fn(&'s TestDir, &str, &Listen, Settings) -> Program<'s>,
}

/// Settings of a server that a test changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Whether the server decodes chunked bodies.
    pub chunked: bool,
    /// The longest body, in bytes.
    pub body: Option<u64>,
    /// The most vars.
    pub vars: Option<u32>,
    /// The timeouts for the next bytes of a body and for a peer that takes nothing, in seconds.
    pub silence: Option<u32>,
}

/// The servers under test, the blocking one and the asynchronous one. uWSGI shows that the tables are right about the front
/// ends.
pub const SERVERS: &[Server] = &[
    Server {
        name: "uwsgictl",
        ours: true,
        start: |test_dir, name, listen, settings| {
            let mut options: Vec<String> = settings.chunked.then(|| "--chunked-input".to_owned()).into_iter().collect();
            options.extend(settings.body.map(|bytes| format!("--max-body={bytes}")));
            options.extend(settings.vars.map(|count| format!("--max-vars={count}")));
            for name in ["--body-timeout", "--write-timeout"] {
                options.extend(settings.silence.map(|secs| format!("{name}={secs}")));
            }
            uwsgictl_serve(test_dir, name, listen, &options)
        },
    },
    Server {
        name: "axum",
        ours: true,
        start: |test_dir, name, listen, settings| {
            let bind = match listen {
                Listen::Tcp(_) => format!("bind={listen}"),
                Listen::Unix(_) => format!("bind=unix:{listen}"),
            };
            let mut options = vec![bind, "app=inspector".to_owned(), "trace=warn".to_owned()];
            options.extend(settings.chunked.then(|| "chunked=yes".to_owned()));
            options.extend(settings.body.map(|bytes| format!("body={bytes}")));
            options.extend(settings.vars.map(|count| format!("vars={count}")));
            options.extend(settings.silence.map(|secs| format!("silence={secs}000")));
            Program::start(test_dir, name, Command::new(env!("CARGO_BIN_EXE_axum-server")).args(options), &[listen])
        },
    },
    Server {
        name: "uwsgi",
        ours: false,
        start: |test_dir, name, listen, settings| {
            let mut options: Vec<String> = settings.chunked.then(|| "--env=CHUNKED=1".to_owned()).into_iter().collect();
            options.extend(settings.body.map(|bytes| format!("--limit-post={bytes}")));
            options.extend(settings.vars.map(|count| format!("--max-vars={count}")));
            options.extend(settings.silence.map(|secs| format!("--socket-timeout={secs}")));
            uwsgi_worker(test_dir, name, include_str!("../../src/programs/inspector.py"), listen, &options)
        },
    },
];

/// A front end with one of the configurations of `docs/front-ends.md`.
#[derive(Debug, Clone, Copy)]
pub struct FrontEnd {
    /// The configuration's name.
    pub name: &'static str,
    pub peer: Peer,
    /// The kind of socket that the server listens at.
    pub backend: Backend,
    /// Whether it passes chunked uploads on as they are.
    pub chunked: bool,
    /// Starts it in front of the server that listens there.
    pub start: for<'s> fn(&'s TestDir, &Listen) -> RunningFrontEnd<'s>,
}

/// The kind of socket between a front end and its server.
#[derive(Debug, Clone, Copy)]
pub enum Backend {
    Tcp,
    Unix,
}

/// A front end that runs, as its clients use it.
#[derive(Debug)]
pub struct RunningFrontEnd<'s> {
    /// `None` for a client that speaks uwsgi itself.
    program: Option<Program<'s>>,
    access: Access,
}

/// How clients reach a front end.
#[derive(Debug)]
enum Access {
    Plain(SocketAddr),
    Tls(SocketAddr, Arc<ClientConfig>),
    /// uwsgi_curl connects to the server itself.
    Curl(Listen),
}

pub const FRONT_ENDS: &[FrontEnd] = &[
    FrontEnd {
        name: "nginx-tcp",
        peer: Peer::Nginx,
        backend: Backend::Tcp,
        chunked: false,
        start: |test_dir, at| nginx_plain(test_dir, "nginx-tcp.conf", at),
    },
    FrontEnd {
        name: "nginx-unix",
        peer: Peer::Nginx,
        backend: Backend::Unix,
        chunked: false,
        start: |test_dir, at| nginx_plain(test_dir, "nginx-unix.conf", at),
    },
    FrontEnd {
        name: "nginx-streaming",
        peer: Peer::Nginx,
        backend: Backend::Unix,
        chunked: false,
        start: |test_dir, at| nginx_plain(test_dir, "nginx-streaming.conf", at),
    },
    FrontEnd { name: "nginx-tls", peer: Peer::Nginx, backend: Backend::Unix, chunked: false, start: nginx_tls },
    FrontEnd {
        name: "apache-tcp",
        peer: Peer::Apache,
        backend: Backend::Tcp,
        chunked: false,
        start: |test_dir, at| {
            let port = Port::free();
            let site = Snippet::read("apache-tcp.conf").with("*:80", port.address().to_string());
            let site = site.with("127.0.0.1:3031", at.to_string());
            plain(apache(test_dir, "apache", &site, &[&Listen::Tcp(port.clone())]), &port)
        },
    },
    FrontEnd {
        name: "apache-unix",
        peer: Peer::Apache,
        backend: Backend::Unix,
        chunked: false,
        start: |test_dir, at| {
            let port = Port::free();
            let site = Snippet::read("apache-unix.conf").with("*:80", port.address().to_string());
            let site = site.with("/run/app/app.sock", at.to_string()).with("/srv/app/public", test_dir.text_path(""));
            plain(apache(test_dir, "apache", &site, &[&Listen::Tcp(port.clone())]), &port)
        },
    },
    FrontEnd {
        name: "lighttpd-tcp",
        peer: Peer::Lighttpd,
        backend: Backend::Tcp,
        chunked: false,
        start: |test_dir, at| {
            let port = Port::free();
            let site = Snippet::read("lighttpd-tcp.conf").with("port = 80", format!("port = {}", port.number()));
            plain(lighttpd(test_dir, "lighttpd", &site.with("3031", at.port()), &[&Listen::Tcp(port.clone())]), &port)
        },
    },
    FrontEnd {
        name: "lighttpd-unix",
        peer: Peer::Lighttpd,
        backend: Backend::Unix,
        chunked: false,
        start: |test_dir, at| {
            let port = Port::free();
            let site = Snippet::read("lighttpd-unix.conf").with("port = 80", format!("port = {}", port.number()));
            let site = site.with("/run/app/app.sock", at.to_string()).with("/srv/app/public", test_dir.text_path(""));
            plain(lighttpd(test_dir, "lighttpd", &site, &[&Listen::Tcp(port.clone())]), &port)
        },
    },
    FrontEnd {
        name: "uwsgi-http",
        peer: Peer::Uwsgi,
        backend: Backend::Tcp,
        chunked: false,
        start: |test_dir, at| router(test_dir, "uwsgi-http.ini", "127.0.0.1:3031", at),
    },
    FrontEnd {
        name: "uwsgi-http-chunked",
        peer: Peer::Uwsgi,
        backend: Backend::Unix,
        chunked: true,
        start: |test_dir, at| router(test_dir, "uwsgi-http-chunked.ini", "/run/app/app.sock", at),
    },
    FrontEnd {
        name: "uwsgi_curl",
        peer: Peer::UwsgiCurl,
        backend: Backend::Unix,
        chunked: false,
        start: |_, at| RunningFrontEnd { program: None, access: Access::Curl(at.clone()) },
    },
];

/// Starts nginx with one of its configurations that listen on port 80.
pub fn nginx_plain<'s>(test_dir: &'s TestDir, snippet: &str, at: &Listen) -> RunningFrontEnd<'s> {
    let port = Port::free();
    let site = Snippet::read(snippet).with("listen 80;", format!("listen {};", port.address()));
    let site = match at {
        Listen::Tcp(_) => site.with("127.0.0.1:3031", at.to_string()),
        Listen::Unix(_) => site.with("/run/app/app.sock", at.to_string()),
    };
    plain(nginx(test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port)
}

fn nginx_tls<'s>(test_dir: &'s TestDir, at: &Listen) -> RunningFrontEnd<'s> {
    let (port, redirecting) = (Port::free(), Port::free());
    let certificate = Certificate::new(test_dir, "app.example");
    let site = Snippet::read("nginx-tls.conf")
        .with("listen 443 ssl;", format!("listen {} ssl;", port.address()))
        .with("listen 80;", format!("listen {};", redirecting.address()))
        .with("/etc/ssl/certs/app.pem", certificate.file.display().to_string())
        .with("/etc/ssl/private/app.key", certificate.key.display().to_string())
        .with("/run/app/app.sock", at.to_string());
    let program = nginx(test_dir, "nginx", &site, &[&Listen::Tcp(port.clone()), &Listen::Tcp(redirecting)]);
    RunningFrontEnd { program: Some(program), access: Access::Tls(port.address(), certificate.client()) }
}

fn router<'s>(test_dir: &'s TestDir, snippet: &str, natural: &str, at: &Listen) -> RunningFrontEnd<'s> {
    let port = Port::free();
    let ini = Snippet::read(snippet).with("http = :80", format!("http = {}", port.address()));
    plain(uwsgi_http(test_dir, "uwsgi-http", &ini.with(natural, at.to_string()), &[&Listen::Tcp(port.clone())]), &port)
}

/// Returns a running front end that speaks HTTP without TLS.
pub fn plain<'s>(program: Program<'s>, port: &Port) -> RunningFrontEnd<'s> {
    RunningFrontEnd { program: Some(program), access: Access::Plain(port.address()) }
}

impl FrontEnd {
    pub fn named(name: &str) -> &'static Self {
        FRONT_ENDS.iter().find(|front_end| front_end.name == name).expect("a front end of this name")
    }

    /// Returns the address for a server behind it.
    pub fn listen(&self, test_dir: &TestDir) -> Listen {
        match self.backend {
            Backend::Tcp => Listen::tcp(),
            Backend::Unix => Listen::Unix(test_dir.path("app.sock")),
        }
    }

    /// Returns the settings of a server behind it.
    pub fn settings(&self) -> Settings {
        Settings { chunked: self.chunked, ..Settings::default() }
    }

    /// Sends every case through it to every server.
    ///
    /// # Panics
    ///
    /// If something was not as expected. The message has everything that was not.
    pub fn run(&self) {
        let mut wrong = Vec::new();
        for server in SERVERS {
            let test_dir = TestDir::new();
            let listen = self.listen(&test_dir);
            let _server = (server.start)(&test_dir, "server", &listen, self.settings());
            let running = (self.start)(&test_dir, &listen);
            for case in CASES.iter().filter(|case| running.can_send(case)) {
                let got = running.exchange(case);
                if let Err(error) = self.check(server, case, &got) {
                    wrong.push(format!("{} > {} > {}: {error}", case.name, self.name, server.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len() * SERVERS.len(), wrong.join("\n"));
    }

    fn check(&self, server: &Server, case: &Case, got: &io::Result<Answer>) -> Result<(), String> {
        let Some(expect) = self.deviation(server, case) else { return check(case, &case.expect, got) };
        check(case, expect, got)?;
        check(case, &case.expect, got).err().map(drop).ok_or_else(|| "no longer deviates".to_owned())
    }

    fn deviation(&self, server: &Server, case: &Case) -> Option<&'static Expect> {
        let mut rows = DEVIATIONS.iter().filter(|row| {
            row.front_ends.contains(&self.name)
                && row.cases.contains(&case.name)
                && (row.servers.is_empty() || row.servers.contains(&server.name))
                && (row.before.is_empty() || version(self.peer).as_slice() < row.before)
        });
        let row = rows.next()?;
        assert!(rows.next().is_none(), "two rows for {}, {} and {}", case.name, self.name, server.name);
        Some(&row.expect)
    }
}

impl RunningFrontEnd<'_> {
    /// Returns whether a client can send this case.
    fn can_send(&self, case: &Case) -> bool {
        !matches!(self.access, Access::Curl(_)) || curl::can_send(case)
    }

    fn exchange(&self, case: &Case) -> io::Result<Answer> {
        match &self.access {
            Access::Curl(at) => curl::exchange(at, case),
            _ => self.connect()?.exchange(&case.request()),
        }
    }

    /// Returns the log of the front end.
    pub fn log(&self) -> String {
        self.program.as_ref().map(Program::log).unwrap_or_default()
    }

    /// Sends these bytes as a request on a new connection, and returns the answer.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.connect()?.exchange(request.as_ref())
    }

    /// Sends a GET, and returns the answer.
    pub fn get(&self, target: &str) -> io::Result<Answer> {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n\r\n"))
    }

    /// Sends a POST of `len` bytes, and returns the answer.
    pub fn post(&self, target: &str, len: usize) -> io::Result<Answer> {
        let head = format!("POST {target} HTTP/1.1\r\nHost: app.example\r\nContent-Length: {len}\r\n\r\n");
        self.ask([head.as_bytes(), filling(len)].concat())
    }

    /// Opens a connection to the front end.
    pub fn connect(&self) -> io::Result<Connection> {
        match &self.access {
            Access::Plain(at) => Connection::open(*at, TIMEOUT),
            Access::Tls(at, client) => Connection::layered(*at, TIMEOUT, |socket| {
                let name = "app.example".try_into().expect("a name");
                let session = ClientConnection::new(Arc::clone(client), name).expect("a client");
                Box::new(StreamOwned::new(session, socket))
            }),
            Access::Curl(at) => panic!("the server at {at} does not speak HTTP"),
        }
    }
}
