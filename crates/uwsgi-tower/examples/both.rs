//! One router over HTTP and uwsgi at once: `cargo run -p uwsgi-tower --example both -- 127.0.0.1:8000 127.0.0.1:3031`.

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use tokio::net::TcpListener;
use uwsgi_tower::Vars;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let http = TcpListener::bind(args.next().unwrap_or_else(|| "127.0.0.1:8000".into())).await?;
    let uwsgi = TcpListener::bind(args.next().unwrap_or_else(|| "127.0.0.1:3031".into())).await?;

    let app = Router::new().route("/", get(hello));
    let over_http = axum::serve(http, app.clone());
    let over_uwsgi = uwsgi_tower::serve(uwsgi, app);
    tokio::try_join!(over_http.into_future(), over_uwsgi.into_future())?;
    Ok(())
}

async fn hello(request: Request) -> &'static str {
    match request.extensions().get::<Vars>() {
        Some(_) => "hello over uwsgi\n",
        None => "hello over HTTP\n",
    }
}
