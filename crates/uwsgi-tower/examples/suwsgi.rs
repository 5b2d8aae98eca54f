//! uwsgi over TLS, with certificates on both sides: `cargo run -p uwsgi-tower --features tls --example suwsgi -- 127.0.0.1:3031
//! server.pem server.key clients.pem`.
//!
//! ```nginx
//! location / {
//!     include uwsgi_params;
//!     uwsgi_pass suwsgi://127.0.0.1:3031;
//!     uwsgi_ssl_certificate nginx.pem;
//!     uwsgi_ssl_certificate_key nginx.key;
//!     uwsgi_ssl_trusted_certificate server.pem;
//!     uwsgi_ssl_verify on;
//!     uwsgi_ssl_name localhost;
//! }
//! ```

#![allow(clippy::std_instead_of_alloc, reason = "most programs import Arc from std")]

use core::error::Error;
use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use uwsgi_tower::rustls::pki_types::pem::PemObject;
use uwsgi_tower::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use uwsgi_tower::rustls::server::WebPkiClientVerifier;
use uwsgi_tower::rustls::{RootCertStore, ServerConfig};
use uwsgi_tower::{TlsListener, TlsPeer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [bind, certificate, key, clients] = &args[..] else {
        return Err("usage: suwsgi HOST:PORT SERVER.pem SERVER.key CLIENTS.pem".into());
    };
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(clients)? {
        trusted.add(certificate?)?;
    }
    let config = ServerConfig::builder()
        .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(trusted)).build()?)
        .with_single_cert(
            CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?,
            PrivateKeyDer::from_pem_file(key)?,
        )?;

    let app = Router::new().route("/", get(hello));
    let listener = TlsListener::new(TcpListener::bind(bind).await?, Arc::new(config));
    uwsgi_tower::serve(listener, app).await?;
    Ok(())
}

async fn hello(Extension(peer): Extension<TlsPeer>) -> String {
    format!("hello, you showed {} certificates\n", peer.certificates().len())
}
