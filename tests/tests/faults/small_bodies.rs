//! Small bodies: the server reads them before it calls the application, without a worker permit.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use uwsgi::server::Settings;
use uwsgi_server::{Answer, AppError, Body, Call, Head};
use uwsgi_tests::load::post;

use crate::permits::{LARGE, one_worker};
use crate::{TIMEOUT, TestDir};

#[test]
fn a_small_body_is_read_before_its_request_takes_a_permit() {
    let test_dir = TestDir::new();
    let (called, calls) = mpsc::channel();
    let app = move |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(())?;
        let length = std::io::copy(body, &mut std::io::sink())?;
        Ok(answer.whole(Head::new(200), length.to_string().as_bytes())?)
    };
    let (_running, at) = one_worker(&test_dir, app, Settings::default());
    for (length, is_small) in [(1, true), (5000, true), (LARGE - 1, true), (LARGE, false)] {
        let mut client = at.connect().unwrap();
        client.write_all(&post("/", length)).unwrap();
        client.write_all(&vec![b'x'; length - 1]).unwrap();
        // For a small body the application is not called in this time.
        let patience = if is_small { Duration::from_millis(300) } else { TIMEOUT };
        assert_eq!(calls.recv_timeout(patience).is_err(), is_small, "{length} bytes");
        client.write_all(b"x").unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(format!("\r\n\r\n{length}").as_bytes()), "{}", answer.escape_ascii());
        if is_small {
            calls.recv_timeout(TIMEOUT).expect("the application is called");
        }
    }
}

/// The server waits for a small body for a second, then it calls the application, which may answer piece by piece.
#[test]
fn a_slow_small_body_delays_the_application_by_a_second() {
    let test_dir = TestDir::new();
    let app = move |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        answer.head(Head::new(200).with_length(6))?;
        std::io::copy(body, answer)?;
        Ok(())
    };
    let (_running, at) = one_worker(&test_dir, app, Settings::default());
    let mut client = at.connect().unwrap();
    let begun = Instant::now();
    client.write_all(&[post("/", 6), b"one".to_vec()].concat()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"one") {
        let mut piece = [0; 1024];
        let count = client.read(&mut piece).unwrap();
        assert_ne!(count, 0);
        answer.extend_from_slice(&piece[..count]);
    }
    let took = begun.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(8)).contains(&took), "{took:?}");
    client.write_all(b"two").unwrap();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"onetwo"), "{}", answer.escape_ascii());
}

/// The application reads the bytes of a small body that came. Then its read fails, since the rest does not come.
#[test]
fn a_small_body_that_is_cut_off_fails_where_it_ends() {
    let test_dir = TestDir::new();
    let mut settings = Settings::default();
    settings.body_idle = Duration::from_millis(300);
    let app = move |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        let mut came = Vec::new();
        let error = body.read_to_end(&mut came).unwrap_err();
        let report = format!("{} {}", came.len(), error.kind());
        Ok(answer.whole(Head::new(200), report.as_bytes())?)
    };
    let (_running, at) = one_worker(&test_dir, app, Settings::default());
    let hasty = TestDir::new();
    let (_hasty, hasty) = one_worker(&hasty, app, settings);
    for (at, shuts, expected) in [(&at, true, "3 unexpected end of file"), (&hasty, false, "3 timed out")] {
        let mut client = at.connect().unwrap();
        client.write_all(&[post("/", 5), b"hel".to_vec()].concat()).unwrap();
        if shuts {
            client.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(expected.as_bytes()), "{}", answer.escape_ascii());
    }
}
