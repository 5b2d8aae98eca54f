//! What the compiler says about programs that are nearly right: it names the line to write.
#![cfg(feature = "axum")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that panics has found something")]

use std::path::Path;
use std::process::Command;

/// What is wrong, the body of `async fn main`, and what the compiler must say.
type Row = (&'static str, &'static str, &'static [&'static str]);

const ROWS: [Row; 6] = [
    (
        "a router without its state",
        "uwsgi_tower::serve(tcp, axum::Router::<String>::new()).await.unwrap();",
        &["Router<String>` cannot be served on a `", "router.with_state(state)"],
    ),
    (
        "a handler in the place of a router",
        "async fn hello() -> &'static str { \"hello\" } uwsgi_tower::serve(tcp, hello).await.unwrap();",
        &["cannot be served on a `", "Router::new().route(\"/\", get(handler))"],
    ),
    (
        "a service for the bodies of hyper",
        "let service = tower::service_fn(async |_: http::Request<String>| Ok::<_, std::io::Error>(http::Response::new(String::new())));
         uwsgi_tower::serve(tcp, service).await.unwrap();",
        &["cannot be served on a `", "tower::service_fn(async |request: http::Request<uwsgi_tower::Body>| ...)"],
    ),
    (
        "the address of the peer of a Unix socket",
        "let app = axum::Router::new().into_make_service_with_connect_info::<core::net::SocketAddr>();
         uwsgi_tower::serve(unix, app).await.unwrap();",
        &[
            "cannot be served on a `",
            "impl Connected<IncomingStream<'_, UnixListener>> for MyInfo",
            "uwsgi_tower::RemoteAddr",
        ],
    ),
    (
        "a listener of std",
        "let listener = std::net::TcpListener::bind(\"127.0.0.1:0\").unwrap();
         uwsgi_tower::serve(listener, axum::Router::new()).await.unwrap();",
        &["`std::net::TcpListener` is not a listener of `uwsgi-tower`", "tokio::net::TcpListener::from_std(listener)?"],
    ),
    // Without this row, a program that fails for another reason could pass for a good one.
    (
        "nothing",
        "uwsgi_tower::serve(tcp, axum::Router::new()).await.unwrap();
         let app = axum::Router::new().into_make_service_with_connect_info::<core::net::SocketAddr>();
         let tcp = tokio::net::TcpListener::bind(\"127.0.0.1:0\").await.unwrap();
         uwsgi_tower::serve(tcp, app).await.unwrap();
         uwsgi_tower::serve(unix, axum::Router::new()).await.unwrap();",
        &[],
    ),
];

#[cfg(unix)]
#[test]
fn the_compiler_names_the_line_to_write() {
    let folder = std::env::temp_dir().join(format!("uwsgi-tower-diagnostics-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (wrong, body, expected) in ROWS {
        let source = folder.join("program.rs");
        let program = format!(
            "#![allow(unused, unreachable_code)]\nuse programs::{{axum, http, tokio, tower, uwsgi_tower}};\nfn main() {{}}\n
             async fn program(tcp: tokio::net::TcpListener, unix: tokio::net::UnixListener) {{ {body} }}\n"
        );
        std::fs::write(&source, program).unwrap();
        let said = compile(&source, &folder);
        if expected.is_empty() {
            assert!(said.is_empty(), "{said}");
        }
        for text in expected {
            assert!(said.contains(text), "{wrong}: the compiler does not say {text:?}, but:\n{said}");
        }
        // The first error fits on one screen.
        let first = said.split("\nerror").next().unwrap_or_default();
        assert!(first.lines().count() <= 30, "{wrong}: {} lines:\n{first}", first.lines().count());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Compiles a program with the libraries of this test, and returns what the compiler says.
fn compile(source: &Path, folder: &Path) -> String {
    let mut libraries = std::env::current_exe().unwrap();
    libraries.pop();
    let programs = libraries.with_file_name("examples").join("libdiagnostics_programs.rlib");
    assert!(programs.exists(), "{}: `cargo test` builds it", programs.display());
    let mut rustc = Command::new(option_env!("RUSTC").unwrap_or("rustc"));
    rustc.args(["--edition", "2024", "--emit", "metadata", "--crate-type", "bin"]).arg(source);
    rustc.arg("--out-dir").arg(folder).arg("-L").arg(format!("dependency={}", libraries.display()));
    rustc.arg("--extern").arg(format!("programs={}", programs.display()));
    let output = rustc.output().unwrap_or_else(|error| panic!("{rustc:?}: {error}"));
    String::from_utf8(output.stderr).unwrap()
}
