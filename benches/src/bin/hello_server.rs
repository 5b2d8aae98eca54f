//! The server under test: `hello_server ADDRESS [MAX]`. It has at most MAX connections, takes uploads at /upload, sends N
//! bytes at /download/N, and says hello at any other path.

use std::io;

use uwsgi_benches::transfer::{BUFFER, HELLO_BODY};
use uwsgi_server::{Answer, App, AppError, Body, Call, Head, Server};

struct Hello;

impl App for Hello {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        let head = Head::new(200).with("Content-Type", "text/plain");
        match call.request().target().path().as_bytes() {
            Some(b"/upload") => {
                let mut buffer = vec![0; BUFFER];
                while body.read(&mut buffer)? > 0 {}
                answer.whole(head, HELLO_BODY)?;
            }
            Some(path) if path.starts_with(b"/download/") => {
                let mut left: u64 = core::str::from_utf8(&path[b"/download/".len()..])?.parse()?;
                answer.head(head.with_length(left))?;
                let buffer = vec![b'x'; BUFFER];
                while left > 0 {
                    let take = left.min(BUFFER as u64);
                    answer.write_all(&buffer[..take as usize])?;
                    left -= take;
                }
            }
            _ => answer.whole(head, HELLO_BODY)?,
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().ok_or_else(|| io::Error::other("usage: hello_server ADDRESS [MAX]"))?;
    let most = args.next().map_or(Ok(1024), |most| most.parse()).map_err(io::Error::other)?;
    Server::new(Hello)?.bind(&address)?.with_max_connections(most).with_stop_on_signals()?.run()
}
