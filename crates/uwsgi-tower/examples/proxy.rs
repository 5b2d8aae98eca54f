//! A gateway from HTTP to uwsgi: `cargo run -p uwsgi-tower --example proxy -- 127.0.0.1:8080 unix:/run/app.sock`.
//!
//! It takes the place of nginx with `uwsgi_pass`: it sends each request to a uwsgi server, and returns the response.

use core::convert::Infallible;
use core::error::Error;
use core::net::SocketAddr;

use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower::ServiceExt;
use uwsgi_tower::{Client, RemoteAddr, remove_connection_headers, upgrade};

type Answer = Result<Response<Either<uwsgi_tower::Incoming, Full<Bytes>>>, Infallible>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let listener = TcpListener::bind(args.next().unwrap_or_else(|| "127.0.0.1:8080".into())).await?;
    let client = Client::new(&args.next().unwrap_or_else(|| "127.0.0.1:3031".into()))?
        .with_pool_max_idle(16)
        .with_idempotent_retries();
    loop {
        let (stream, peer) = listener.accept().await?;
        let client = client.clone();
        let service = service_fn(move |request| forward(client.clone(), peer, request));
        tokio::spawn(async move {
            let http = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            http.with_upgrades().await.unwrap_or_else(|error| eprintln!("{peer}: {error:#}"));
        });
    }
}

/// Sends the request to the backend. The application is mounted at the root; otherwise the request would need a `Mount`.
async fn forward(client: Client, peer: SocketAddr, mut request: Request<Incoming>) -> Answer {
    remove_connection_headers(request.headers_mut()); // first, before headers of our own are set
    request.extensions_mut().insert(RemoteAddr::new(peer.ip()).with_port(peer.port()));
    let front = hyper::upgrade::on(&mut request);
    let mut response = match client.oneshot(request).await {
        Ok(response) => response.map(Either::Left),
        Err(error) => {
            eprintln!("{peer}: {error:#}");
            let mut response = Response::new(Either::Right(Full::default()));
            *response.status_mut() = error.status();
            response
        }
    };
    let back = upgrade::on(&mut response);
    tokio::spawn(async move {
        // Both succeed only after a 101.
        if let (Ok(mut back), Ok(front)) = (back.await, front.await) {
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(front), &mut back).await;
        }
    });
    Ok(response)
}
