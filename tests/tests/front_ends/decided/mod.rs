//! An application sees what the front end has decided: rewrites, checks by subrequests, redirects, mounts, params that are set
//! again. Every row goes to both servers of this project, and through the front end's proxy for HTTP to a server of hyper. The
//! applications see the same, unless the row says what differs and why.

mod apache;
mod application;
mod lighttpd;
mod nginx;
mod nginx_targets;
mod nginx_vars;
mod servers;
mod uwsgi_http;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use uwsgi_tests::http1::{Answer, Connection};
use uwsgi_tests::programs::{Port, Program, TestDir};

use super::case::filling;
use super::matrix::TIMEOUT;
use application::Seen;
use servers::{Running, Servers};

/// A request of a client, and what the application must see of it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    /// The configuration of the front end, which has it once if several rows have the same. `{pass}` passes a request to the
    /// application.
    pub config: &'static str,
    pub method: &'static str,
    /// One character is one byte.
    pub target: &'static str,
    /// The headers after `Host: app.example`. `X-Show` names a header whose values the application shows.
    pub headers: &'static [(&'static str, &'static str)],
    /// The length of the body in bytes.
    pub body: usize,
    pub status: u16,
    /// The requests that the application sees, in any order.
    pub sees: &'static [&'static str],
    pub over_http: OverHttp,
    /// The source that says so.
    pub source: &'static str,
}

/// What the same front end sends to an application that speaks HTTP.
#[derive(Debug, Clone, Copy)]
pub enum OverHttp {
    Same,
    /// Another request: the status, what the application sees, and why.
    Other(u16, &'static [&'static str], &'static str),
}

/// A row to start from.
pub const GET: Row = Row {
    name: "",
    config: "",
    method: "GET",
    target: "/",
    headers: &[],
    body: 0,
    status: 200,
    sees: &[],
    over_http: OverHttp::Same,
    source: "",
};

/// A front end that listens at one port for each server: the blocking one, the asynchronous one, and hyper if the front end
/// speaks HTTP to applications.
struct FrontEnd<const SERVERS: usize> {
    rows: &'static [Row],
    start: for<'s> fn(&'s TestDir, &Self, &Routes<'_, SERVERS>) -> Vec<Program<'s>>,
}

/// For each server, the port of the front end and the socket of the server.
type Routes<'p, const SERVERS: usize> = [(Port, &'p Path); SERVERS];

impl<const SERVERS: usize> FrontEnd<SERVERS> {
    /// Returns the configurations of all rows, with `pass` for `{pass}`.
    fn configs(&self, pass: &str) -> String {
        let mut configs: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.config.is_empty()) {
            if !configs.contains(&row.config) {
                configs.push(row.config);
            }
        }
        configs.join("\n").replace("{pass}", pass)
    }

    /// Sends the requests of all rows one after the other, and returns the answers.
    fn ask(&self, at: SocketAddr) -> Vec<io::Result<Answer>> {
        self.rows.iter().map(|row| row.ask(at)).collect()
    }

    /// Sends every row to every server, and checks what the applications saw.
    ///
    /// # Panics
    ///
    /// If something was not as expected. The message has everything that was not.
    fn run(&self) {
        for (place, row) in self.rows.iter().enumerate() {
            let other = self.rows[..place].iter().find(|other| other.name == row.name);
            assert!(other.is_none() && !row.source.is_empty(), "two of one name, or no source: {row:?}");
        }
        let test_dir = TestDir::new();
        let servers = Servers::start(&test_dir);
        let running: [&Running; SERVERS] = std::array::from_fn(|place| servers.all()[place]);
        let routes = running.map(|running| (Port::free(), &*running.socket));
        let _programs = (self.start)(&test_dir, self, &routes);
        let answers = thread::scope(|scope| {
            let asking = routes.map(|(port, _)| scope.spawn(move || self.ask(port.address())));
            asking.map(|asking| asking.join().expect("answers"))
        });
        let mut wrong = Vec::new();
        for (running, answers) in running.into_iter().zip(answers) {
            // The front end does not wait for the answer to a mirrored request.
            let requests = self.rows.iter().map(|row| row.expects(running).1.len()).sum();
            wait_until(|| running.seen().len() >= requests);
            let seen = running.seen();
            for (row, answer) in self.rows.iter().zip(answers) {
                let seen: Vec<&Seen> = seen.iter().filter(|seen| seen.row == row.name).collect();
                if let Err(error) = row.check(running, answer, &seen) {
                    wrong.push(format!("{} > {}: {error}", row.name, running.name));
                }
            }
            let strange = seen.iter().filter(|seen| !self.rows.iter().any(|row| row.name == seen.row));
            wrong.extend(strange.map(|seen| format!("of no row > {}: {seen}{}", running.name, seen.vars)));
            let broken = running.log.broken();
            wrong.extend(broken.iter().map(|record| format!("{} logs what is not one line: {record}", running.name)));
        }
        let requests = servers.blocking.seen().len();
        // A line is written after the answer.
        wait_until(|| servers.blocking.log.len() >= requests);
        let lines = servers.blocking.log.len();
        if lines != requests {
            wrong.push(format!("the access log has {lines} lines for {requests} requests"));
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), self.rows.len() * SERVERS, wrong.join("\n"));
    }
}

impl Row {
    /// Sends the request, and returns the answer.
    fn ask(&self, at: SocketAddr) -> io::Result<Answer> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: app.example\r\nX-Row: {}\r\n", self.method, self.target, self.name);
        head.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        if self.body > 0 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body));
        }
        let head = head.chars().map(|byte| u8::try_from(byte).expect("latin-1"));
        let request = [&*head.collect::<Vec<u8>>(), b"\r\n", filling(self.body)].concat();
        Connection::open(at, TIMEOUT)?.exchange(&request)
    }

    /// Returns the expected status, and what the application must see.
    fn expects(&self, running: &Running) -> (u16, &'static [&'static str]) {
        match self.over_http {
            OverHttp::Other(status, sees, why) if running.is_http => {
                assert!(!why.is_empty() && (status, sees) != (self.status, self.sees), "{}", self.name);
                (status, sees)
            }
            _ => (self.status, self.sees),
        }
    }

    fn check(&self, running: &Running, answer: io::Result<Answer>, seen: &[&Seen]) -> Result<(), String> {
        let (status, sees) = self.expects(running);
        let mut wanted: Vec<String> = sees.iter().map(|line| (*line).to_owned()).collect();
        let mut lines: Vec<String> = seen.iter().map(|seen| seen.to_string()).collect();
        wanted.sort();
        lines.sort();
        let got = answer.map_err(|error| format!("no answer: {error}"))?.head.status;
        if got == status && lines == wanted {
            return Ok(());
        }
        let mut vars: Vec<&str> = seen.iter().map(|seen| &*seen.vars).collect();
        // A front end whose redirect leads back to itself sends the same request again and again.
        lines.dedup();
        vars.dedup();
        Err(format!("{got} and {lines:?}, not {status} and {wanted:?}{}", vars.join(" and")))
    }
}

/// Waits until something has come. If it does not come, the caller finds it missing, and says in which row.
fn wait_until(came: impl Fn() -> bool) {
    let until = Instant::now() + TIMEOUT;
    while !came() && Instant::now() < until {
        // A pause between two looks.
        sleep(Duration::from_millis(5));
    }
}
