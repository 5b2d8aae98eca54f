//! Middleware: PEP 3333, "Middleware Handling of Block Boundaries".

use std::io::{self, Write};

use uwsgi_io::HeadError;
use uwsgi_server::{Answer, App, Body, Call, Head};

use crate::{AppResult, GET, serve};

/// Makes the body upper case.
struct UpperCase<A>(A);
struct UpperCaseAnswer<'a>(&'a mut dyn Answer);

impl Write for UpperCaseAnswer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes.to_ascii_uppercase())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Answer for UpperCaseAnswer<'_> {
    fn head(&mut self, head: Head) -> Result<(), HeadError> {
        self.0.head(head.with("X-Loud", "yes"))
    }

    fn has_left(&self) -> bool {
        self.0.has_left()
    }

    fn is_head_request(&self) -> bool {
        self.0.is_head_request()
    }
}

impl<A: App> App for UpperCase<A> {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> AppResult {
        let mounted = call.with_request(call.request().with_mount(b"/mounted", b"/rest"));
        self.0.call(&mounted, body, &mut UpperCaseAnswer(answer))
    }
}

#[test]
fn m1_an_application_can_wrap_another_one() {
    let connection = serve(
        GET,
        b"",
        UpperCase(|call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            let path = call.request().path_info().unwrap().to_vec();
            answer.write_all(b"")?;
            answer.whole(Head::new(200), &path)?;
            Ok(answer.write_all(b"")?)
        }),
    );
    assert_eq!(connection.sent(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Loud: yes\r\n\r\n/REST");
}
