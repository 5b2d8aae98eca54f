//! Prints the report of a captured request: `cargo run --example report -- html request.bin > report.html`.

use core::error::Error;

use uwsgi::{Packet, Request};
use uwsgi_inspect::{Body, Format, Report};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(format), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: report html|json|text FILE".into());
    };
    let format = Format::ALL.iter().copied().find(|known| known.as_str() == format).ok_or("unknown format")?;
    let bytes = std::fs::read(file)?;
    let (packet, _body) = Packet::decode(&bytes)?;
    // A server hashes the body while it reads it. This example ignores the body.
    let report = Report::new(Request::decode(&packet)?, Body::NONE);
    print!("{}", report.to_format(format));
    Ok(())
}
