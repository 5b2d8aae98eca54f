//! A gateway: `cargo run -p uwsgi-gateway --example gateway -- 127.0.0.1:8080 unix:/run/app.sock`.

use core::error::Error;

use uwsgi::Address;
use uwsgi_gateway::{Gateway, Settings};
use uwsgi_server::Listener;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let listener = Listener::bind(Address::parse(&args.next().unwrap_or_else(|| "127.0.0.1:8080".into()))?)?;
    let settings = Settings::new(&args.next().unwrap_or_else(|| "127.0.0.1:3031".into()))?;
    Gateway::new(settings)?.listen(listener).run()?;
    Ok(())
}
