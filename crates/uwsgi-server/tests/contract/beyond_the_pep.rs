//! What PEP 3333 does not have: upgrades, and packets that are no requests.

use std::io::{self, Write};
use std::sync::Mutex;

use uwsgi::Modifier1;
use uwsgi::server::Settings;
use uwsgi_server::{Addresses, Answer, App, Body, Call, Head, Message, serve_connection};

use crate::{AppResult, MemoryConnection, serve};

#[test]
fn after_a_101_the_connection_is_a_pipe() {
    let vars = [("REQUEST_METHOD", "GET"), ("HTTP_UPGRADE", "echo")];
    let connection = serve(
        &vars,
        b"read past the packet",
        |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            answer.head(Head::new(101).with("Connection", "Upgrade").with("Upgrade", "echo"))?;
            answer.flush()?;
            io::copy(body, answer)?;
            Ok(())
        },
    );
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    assert_eq!(connection.sent(), format!("{head}read past the packet"));
}

#[test]
fn the_application_gets_other_packets_if_it_accepts_them() {
    struct Signals;
    impl App for Signals {
        fn call(&self, _: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer) -> AppResult {
            panic!("no request came")
        }

        fn message(&self, message: &Message<'_>, body: &mut dyn Body, answer: &mut (dyn Write + Send)) -> AppResult {
            let mut rest = String::new();
            body.read_to_string(&mut rest)?;
            write!(answer, "signal {} {rest}", message.packet().modifier2())?;
            Ok(())
        }
    }
    let settings = Settings::default().with_modifier1(Modifier1::SIGNAL);
    let serve = |app: &dyn App, settings: &Settings| {
        let connection =
            MemoryConnection { incoming: Mutex::new(b"\x6e\0\0\x07rest".to_vec()), ..MemoryConnection::default() };
        serve_connection(&connection, app, settings, Addresses::default()).unwrap();
        connection.sent()
    };
    assert_eq!(serve(&Signals, &settings), "signal 7 rest");
    assert!(serve(&Signals, &Settings::default()).starts_with("HTTP/1.1 501 "));
    let without_messages =
        |_: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer| -> AppResult { panic!("no request came") };
    assert!(serve(&without_messages, &settings).starts_with("HTTP/1.1 501 "));
}
