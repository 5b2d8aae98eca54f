//! HTTP in front, uwsgi behind: `cargo run -p uwsgi-tower --example proxy -- 127.0.0.1:8080 unix:/run/app.sock`.
//!
//! What nginx does with `uwsgi_pass`, without all that a gateway adds.

use core::convert::Infallible;
use core::error::Error;
use core::net::SocketAddr;

use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower::ServiceExt;
use uwsgi_tower::{Client, RemoteAddr, upgrade};

type Body = Either<uwsgi_tower::Incoming, Full<Bytes>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let bind = args.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let client = Client::new(&args.next().unwrap_or_else(|| "127.0.0.1:3031".into()))?.reusing(16);
    let listener = TcpListener::bind(bind).await?;
    loop {
        let (stream, peer) = listener.accept().await?;
        let client = client.clone();
        let service = service_fn(move |request| forward(client.clone(), peer, request));
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            let http = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).with_upgrades();
            if let Err(error) = http.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Asks the backend; what it cannot be asked is 502.
async fn forward(
    client: Client,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(RemoteAddr(peer.ip()));
    let front = hyper::upgrade::on(&mut request);
    match client.oneshot(request).await {
        Ok(mut response) => {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                let back = upgrade::on(&mut response);
                tokio::spawn(async move {
                    if let (Ok(front), Ok(mut back)) = (front.await, back.await) {
                        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(front), &mut back).await;
                    }
                });
            }
            Ok(response.map(Either::Left))
        }
        Err(error) => {
            eprintln!("{peer}: {error}");
            let mut response = Response::new(Either::Right(Full::from("502 Bad Gateway\n")));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(response)
        }
    }
}
