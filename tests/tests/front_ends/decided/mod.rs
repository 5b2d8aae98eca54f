//! What a front end decided is what an application sees: rewrites, checks by subrequests, redirects, mounts, params that are set
//! again. Every row goes to both servers of this project, and to an HTTP server of hyper by the front end's own proxy for HTTP:
//! an application sees the same, but where the row says why not.

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
use uwsgi_tests::programs::{Port, Program, Stage};

use super::case::filling;
use super::matrix::PATIENCE;
use application::Seen;
use servers::{Running, Servers};

/// One request of a client, and what the application is to be given of it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    /// What the front end is configured with; once where several rows have the same. `{pass}` passes a request to the application.
    pub config: &'static str,
    pub method: &'static str,
    /// One character is one byte.
    pub target: &'static str,
    /// After `Host: app.example`. `X-Show` names a header whose values the application shows.
    pub headers: &'static [(&'static str, &'static str)],
    /// Its length in bytes.
    pub body: usize,
    pub status: u16,
    /// The requests that the application is given, one for each time that it is asked, in any order.
    pub sees: &'static [&'static str],
    pub over_http: OverHttp,
    /// Who says so.
    pub source: &'static str,
}

/// What the same front end sends to an application that speaks HTTP.
#[derive(Debug, Clone, Copy)]
pub enum OverHttp {
    Same,
    /// Something else: the status, what the application sees, and why.
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

/// A front end with a port of its own for each server that it passes requests to: the blocking one, the asynchronous one, and,
/// where it speaks HTTP to applications, hyper.
struct FrontEnd<const SERVERS: usize> {
    rows: &'static [Row],
    start: for<'s> fn(&'s Stage, &Self, &Ways<'_, SERVERS>) -> Vec<Program<'s>>,
}

/// For each server, where the front end is to listen, and the socket of the server.
type Ways<'p, const SERVERS: usize> = [(Port, &'p Path); SERVERS];

impl<const SERVERS: usize> FrontEnd<SERVERS> {
    /// What the rows want it configured with, where `{pass}` is what passes a request on.
    fn configs(&self, pass: &str) -> String {
        let mut configs: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.config.is_empty()) {
            if !configs.contains(&row.config) {
                configs.push(row.config);
            }
        }
        configs.join("\n").replace("{pass}", pass)
    }

    /// The answers to all rows, one after the other.
    fn ask(&self, at: SocketAddr) -> Vec<io::Result<Answer>> {
        self.rows.iter().map(|row| row.ask(at)).collect()
    }

    /// Sends every row to every server, and looks at what their applications were given.
    ///
    /// # Panics
    ///
    /// Once, with everything that was not as expected.
    fn run(&self) {
        for (place, row) in self.rows.iter().enumerate() {
            let other = self.rows[..place].iter().find(|other| other.name == row.name);
            assert!(other.is_none() && !row.source.is_empty(), "two of one name, or no source: {row:?}");
        }
        let stage = Stage::new();
        let servers = Servers::start(&stage);
        let running: [&Running; SERVERS] = std::array::from_fn(|place| servers.all()[place]);
        let ways = running.map(|running| (Port::free(), &*running.socket));
        let _programs = (self.start)(&stage, self, &ways);
        let answers = thread::scope(|scope| {
            let asking = ways.map(|(port, _)| scope.spawn(move || self.ask(port.address())));
            asking.map(|asking| asking.join().expect("answers"))
        });
        let mut wrong = Vec::new();
        for (running, answers) in running.into_iter().zip(answers) {
            // The front end does not wait for what it only mirrors.
            let requests = self.rows.iter().map(|row| row.expects(running).1.len()).sum();
            wait_until(|| running.seen().len() >= requests);
            let seen = running.seen();
            for (row, answer) in self.rows.iter().zip(answers) {
                let seen: Vec<&Seen> = seen.iter().filter(|seen| seen.row == row.name).collect();
                if let Err(error) = row.judge(running, answer, &seen) {
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
    /// The answer to it.
    fn ask(&self, at: SocketAddr) -> io::Result<Answer> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: app.example\r\nX-Row: {}\r\n", self.method, self.target, self.name);
        head.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        if self.body > 0 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body));
        }
        let head = head.chars().map(|byte| u8::try_from(byte).expect("latin-1"));
        let request = [&*head.collect::<Vec<u8>>(), b"\r\n", filling(self.body)].concat();
        Connection::open(at, PATIENCE)?.exchange(&request)
    }

    /// The status, and what an application is given.
    fn expects(&self, running: &Running) -> (u16, &'static [&'static str]) {
        match self.over_http {
            OverHttp::Other(status, sees, why) if running.is_http => {
                assert!(!why.is_empty() && (status, sees) != (self.status, self.sees), "{}", self.name);
                (status, sees)
            }
            _ => (self.status, self.sees),
        }
    }

    fn judge(&self, running: &Running, answer: io::Result<Answer>, seen: &[&Seen]) -> Result<(), String> {
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
        // A front end that is sent back to where it came from comes again and again.
        lines.dedup();
        vars.dedup();
        Err(format!("{got} and {lines:?}, not {status} and {wanted:?}{}", vars.join(" and")))
    }
}

/// Waits for what comes in a moment. If it does not come, the caller finds it missing, and says in which row.
fn wait_until(came: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !came() && Instant::now() < until {
        // A pause between two looks.
        sleep(Duration::from_millis(5));
    }
}
