//! The smallest server: `cargo run -p uwsgi-server --example hello -- unix:/run/hello.sock`.

use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};

fn hello(_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    Ok(answer.whole(Head::new(200).with("Content-Type", "text/plain"), b"hello\n")?)
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3031".into());
    Server::new(hello)?.bind(&address)?.with_stop_on_signals()?.run()
}
