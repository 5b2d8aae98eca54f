//! The server that the load and fault tests start. Its options are `name=value`; the path of a request says what the
//! application does.

use std::fs::OpenOptions;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use uwsgi::client::Exchange;
use uwsgi::server::{AllowList, Settings};
use uwsgi_server::{AccessLog, Answer, AppError, Body, Call, Head, Server};
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
    let (mut server, mut settings, mut lives_on) = (Server::new(app)?, Settings::default(), Duration::ZERO);
    for option in std::env::args().skip(1) {
        let (name, value) = option.split_once('=').ok_or_else(|| io::Error::other(format!("{option}: no value")))?;
        let number = || value.parse::<u64>().map_err(io::Error::other);
        let millis = || number().map(Duration::from_millis);
        match name {
            "bind" => server = server.bind(value)?,
            "workers" => server = server.with_workers(usize::try_from(number()?).map_err(io::Error::other)?),
            "stack" => server = server.with_stack_size(usize::try_from(number()?).map_err(io::Error::other)?),
            "max" => server = server.with_max_connections(usize::try_from(number()?).map_err(io::Error::other)?),
            "allow" => server = server.with_allow_list(AllowList::parse(value).map_err(io::Error::other)?),
            "log" => server = server.with_access_log(AccessLog::combined(append(value)?)),
            "json" => server = server.with_access_log(AccessLog::json(append(value)?)),
            "grace" => settings.stop_grace = millis()?,
            "queue" => settings.queue_wait = millis()?,
            // How long the process still runs after the server has ended.
            "lives" => lives_on = millis()?,
            "trace" => trace::on_stderr(value)?,
            "silence" => (settings.body_idle, settings.write_idle) = (millis()?, millis()?),
            "keepalive" => settings.keepalive = Some(millis()?),
            _ => return Err(io::Error::other(format!("no option {name}"))),
        }
    }
    server.with_settings(settings).with_stop_on_signals()?.run()?;
    thread::sleep(lives_on);
    Ok(())
}

fn append(path: &str) -> io::Result<std::fs::File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn app(call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    let path = call.request().target().path().to_string();
    let (verb, count) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), "0"));
    let count: usize = count.parse()?;
    let text = Head::new(200).with("Content-Type", "text/plain");
    match verb {
        // Responds with the environment variable about inherited sockets, as it is now.
        "handed" => {
            let handed = std::env::var("LISTEN_FDS").unwrap_or_default();
            return Ok(answer.whole(text, format!("{handed}\n").as_bytes())?);
        }
        // Works for `count` milliseconds.
        "sleep" => thread::sleep(Duration::from_millis(count as u64)),
        "read" => {
            let read = io::copy(body, &mut io::sink())?;
            return Ok(answer.whole(text, format!("{read}\n").as_bytes())?);
        }
        // Sends `count` KiB in pieces of 64 KiB.
        "stream" => {
            answer.head(text)?;
            static PIECE: [u8; 65_536] = [b'x'; 65_536];
            let mut left = count * 1024;
            while left > 0 {
                let size = left.min(PIECE.len());
                answer.write_all(&PIECE[..size])?;
                left -= size;
            }
            return Ok(());
        }
        // Sends the beginning of a response without a length, then works for `count` milliseconds.
        "begin" => {
            answer.head(text)?;
            answer.write_all(b"hello\n")?;
            thread::sleep(Duration::from_millis(count as u64));
            return Ok(());
        }
        // Sends `count` bytes, one each 10 ms.
        "drip" => {
            answer.head(text)?;
            for _ in 0..count {
                answer.write_all(b"x")?;
                thread::sleep(Duration::from_millis(10));
            }
            return Ok(());
        }
        "panic" => panic!("as asked"),
        "halfway" => {
            answer.head(text.with_length(10))?;
            answer.write_all(b"12345")?;
            panic!("as asked, halfway");
        }
        "fail" => return Err("as asked".into()),
        "fail-with-cause" => return Err(Exchange::new(false).split(b"HTTP/1.1 20\r\n\r\n").unwrap_err().into()),
        // Reads one byte, then the rest of the body.
        "byte" => {
            let mut byte = [0];
            body.read_exact(&mut byte)?;
            io::copy(body, &mut io::sink())?;
        }
        _ => {}
    }
    Ok(answer.whole(text, b"hello\n")?)
}
