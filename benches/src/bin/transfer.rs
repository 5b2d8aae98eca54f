//! Sends or fetches a large body once, and prints how many seconds it took: `transfer upload|download PATH BYTES`.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use uwsgi::client::{AnswerStep, BodyStep, Exchange};
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_benches::transfer::{BUFFER, modifier2};

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let usage = || io::Error::other("usage: transfer upload|download PATH BYTES");
    let [direction, path, amount] = args.as_slice() else { return Err(usage()) };
    let amount: u64 = amount.parse().map_err(|_| usage())?;
    let upload = match direction.as_str() {
        "upload" => true,
        "download" => false,
        _ => return Err(usage()),
    };
    let packet = packet(upload, amount)?;
    let mut stream = UnixStream::connect(path)?;
    let begun = Instant::now();
    stream.write_all(&packet)?;
    let got = if upload {
        let buffer = vec![b'x'; BUFFER];
        let mut left = amount;
        while left > 0 {
            let take = left.min(BUFFER as u64);
            stream.write_all(&buffer[..take as usize])?;
            left -= take;
        }
        answer(&mut stream)?.min(1)
    } else {
        answer(&mut stream)?
    };
    let seconds = begun.elapsed().as_secs_f64();
    if got != if upload { 1 } else { amount } {
        return Err(io::Error::other(format!("the body of the answer has {got} bytes")));
    }
    println!("{seconds:.6}");
    Ok(())
}

fn packet(upload: bool, amount: u64) -> io::Result<Vec<u8>> {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    let path = if upload { "/upload".to_owned() } else { format!("/download/{amount}") };
    let length = if upload { amount.to_string() } else { String::new() };
    let method = if upload { "POST" } else { "GET" };
    for (key, value) in [("REQUEST_METHOD", method), ("PATH_INFO", &path), ("CONTENT_LENGTH", &length)] {
        vars.push(key, value).map_err(io::Error::other)?;
    }
    let modifier2 = if upload { modifier2::UPLOAD } else { modifier2::DOWNLOAD };
    vars.finish(Modifier1::WSGI, modifier2).map_err(io::Error::other)?;
    Ok(packet)
}

/// Reads a whole answer with status 200, drops its body, and returns the length of the body.
fn answer(stream: &mut UnixStream) -> io::Result<u64> {
    let mut exchange = Exchange::new(false);
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let mut at = loop {
        let count = stream.read(&mut buffer[filled..])?;
        filled += count;
        match exchange.answer(&buffer[..filled], count == 0) {
            AnswerStep::Head { response, end } if response.status() == 200 => break end,
            AnswerStep::Head { response, .. } => {
                return Err(io::Error::other(format!("the answer's status is {}", response.status())));
            }
            AnswerStep::Fail(error) => return Err(io::Error::other(error)),
            AnswerStep::Need(_) => {}
        }
    };
    let mut body = 0;
    loop {
        match exchange.body(&buffer[at..filled], false) {
            BodyStep::Body { skip, take } => {
                at += skip + take;
                body += take as u64;
            }
            BodyStep::End { .. } => return Ok(body),
            BodyStep::Fail(error) => return Err(io::Error::other(error)),
            BodyStep::Send | BodyStep::Upgraded => return Err(io::Error::other("the connection was upgraded")),
            BodyStep::Need(_) => {
                filled = stream.read(&mut buffer)?;
                at = 0;
                if filled == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
}
