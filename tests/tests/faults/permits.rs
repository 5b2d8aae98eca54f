//! Worker permits: how many requests an application works on at once.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi::server::Settings;
use uwsgi_server::{Answer, App, AppError, Body, Call, Head, Server};
use uwsgi_tests::load::{ServerAddress, get, post, status};
use uwsgi_tests::ours::Gate;

use crate::{Running, TIMEOUT, TestDir, wait_until};

/// Works for half a second, writes much, or reads the body, as the path says.
fn app(call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    match call.request().path_info() {
        // The sleep stands for work that keeps a worker busy.
        Some(b"/work") => thread::sleep(Duration::from_millis(500)),
        Some(b"/much") => return Ok(answer.whole(Head::new(200), &vec![b'x'; 8 << 20])?),
        _ => drop(std::io::copy(body, &mut std::io::sink())?),
    }
    Ok(answer.whole(Head::new(200), b"hello\n")?)
}

/// Starts a server with one worker.
pub(crate) fn one_worker(test_dir: &TestDir, app: impl App + 'static, settings: Settings) -> (Running, ServerAddress) {
    let (at, bind) = test_dir.socket("a.sock");
    let server = Server::new(app).unwrap().bind(&bind).unwrap().with_workers(1).with_settings(settings);
    (Running::start(server), at)
}

/// The length of a body that is too large for the server to read it before it calls the application.
pub(crate) const LARGE: usize = (16 << 10) + 1;

#[test]
fn no_free_worker_in_time_is_503() {
    let test_dir = TestDir::new();
    let mut settings = Settings::default();
    settings.queue_wait = Duration::from_millis(150);
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let app = move |call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        if call.request().path_info() == Some(Gate::PATH.as_bytes()) {
            held.pass();
        }
        Ok(answer.whole(Head::new(200), b"hello\n")?)
    };
    let (_running, at) = one_worker(&test_dir, app, settings);
    thread::scope(|scope| {
        let works = scope.spawn(|| at.ask(&get(Gate::PATH)).unwrap());
        gate.wait_for(1);
        let begun = Instant::now();
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 503);
        let took = begun.elapsed();
        // Without the setting it would be ten seconds.
        assert!((Duration::from_millis(150)..Duration::from_secs(5)).contains(&took), "{took:?}");
        gate.open();
        assert_eq!(status(&works.join().unwrap()), 200);
    });
    // The permit is given back after the answer.
    wait_until("a request gets the permit", || status(&at.ask(&get("/")).unwrap()) == 200);
}

#[test]
fn requests_wait_for_a_permit_and_are_served() {
    let test_dir = TestDir::new();
    let (_running, at) = one_worker(&test_dir, app, Settings::default());
    let begun = Instant::now();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(|| at.ask(&get("/work")).unwrap())).collect();
        for client in clients {
            assert_eq!(status(&client.join().unwrap()), 200);
        }
    });
    assert!(begun.elapsed() >= Duration::from_millis(1500), "more than one at a time");
}

/// A request gives its permit back while it waits for the socket: a slow peer costs a stack and nothing else.
#[test]
fn slow_peers_hold_no_permit() {
    let test_dir = TestDir::new();
    let (called, calls) = mpsc::channel();
    let counted = move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(())?;
        app(call, body, answer)
    };
    let (_running, at) = one_worker(&test_dir, counted, Settings::default());
    // Three peers are slow to send, each at another place of its request. One is slow to take its answer.
    let mut slow: Vec<_> = (0..4).map(|_| at.connect().unwrap()).collect();
    slow[0].write_all(&post("/", 10)[..20]).unwrap();
    slow[1].write_all(&[post("/", 10), b"hello".to_vec()].concat()).unwrap();
    slow[2].write_all(&get("/much")).unwrap();
    slow[3].write_all(&[post("/", LARGE), b"hello".to_vec()].concat()).unwrap();
    // The application is called for the last two. The first two are accepted before them, and wait for their peers outside of
    // it.
    for _ in 0..2 {
        calls.recv_timeout(TIMEOUT).expect("the application is called");
    }
    for _ in 0..10 {
        let begun = Instant::now();
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
        // A request waits for a permit for ten seconds.
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
    // The slow requests are served too once their peers go on.
    slow[0].write_all(&[&post("/", 10)[20..], b"helloworld"].concat()).unwrap();
    slow[1].write_all(b"world").unwrap();
    slow[3].write_all(&[b'x'; LARGE - 5]).unwrap();
    for mut stream in slow {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200);
    }
}

/// Bytes that came while another request held the permit are in time, also if the server reads them late.
#[test]
fn a_body_that_came_in_time_is_not_late_because_others_work() {
    let test_dir = TestDir::new();
    let mut settings = Settings::default();
    settings.body_idle = Duration::from_secs(2);
    settings.write_idle = Duration::from_secs(2);
    let gate = Arc::new(Gate::default());
    let (held, (called, calls)) = (Arc::clone(&gate), mpsc::channel());
    let app = move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(())?;
        match call.request().path_info() {
            Some(b"/") => drop(std::io::copy(body, &mut std::io::sink())?),
            _ => held.pass(),
        }
        Ok(answer.whole(Head::new(200), b"hello\n")?)
    };
    let (_running, at) = one_worker(&test_dir, app, settings);
    thread::scope(|scope| {
        let mut reads = at.connect().unwrap();
        reads.write_all(&post("/", LARGE)).unwrap();
        calls.recv_timeout(TIMEOUT).expect("the application is called");
        // This request waits for its body without the permit. Another request takes the permit for long.
        let works = scope.spawn(|| at.ask(&get(Gate::PATH)).unwrap());
        gate.wait_for(1);
        reads.write_all(&[b'x'; LARGE]).unwrap();
        // The body waits in the socket for longer than `body_idle`.
        thread::sleep(Duration::from_secs(3));
        gate.open();
        let mut answer = Vec::new();
        reads.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200, "{}", answer.escape_ascii());
        assert_eq!(status(&works.join().unwrap()), 200);
    });
}

/// Requests that have waited for their peers need a permit to go on.
#[test]
fn the_limit_holds_for_requests_after_a_wait() {
    const CALLS: usize = 8;
    let test_dir = TestDir::new();
    let (at_work, most, reported) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (called, calls) = mpsc::channel();
    let (seen, workers) = (Arc::clone(&most), Arc::clone(&reported));
    let app = move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(())?;
        std::io::copy(body, &mut std::io::sink())?;
        seen.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // The sleep stands for work, in which a second request would be seen.
        thread::sleep(Duration::from_millis(250));
        workers.fetch_max(call.workers(), Ordering::SeqCst);
        at_work.fetch_sub(1, Ordering::SeqCst);
        Ok(answer.whole(Head::new(200), b"hello\n")?)
    };
    let (_running, at) = one_worker(&test_dir, app, Settings::default());
    let mut clients: Vec<_> = (0..CALLS).map(|_| at.connect().unwrap()).collect();
    for client in &mut clients {
        client.write_all(&post("/", LARGE)).unwrap();
        calls.recv_timeout(TIMEOUT).expect("the application is called");
    }
    for client in &mut clients {
        client.write_all(&[b'x'; LARGE]).unwrap();
    }
    for client in &mut clients {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200);
    }
    assert_eq!((most.load(Ordering::SeqCst), reported.load(Ordering::SeqCst)), (1, 1), "at work, and Call::workers");
}

#[test]
fn a_request_that_has_begun_gets_the_permit_before_new_ones() {
    let test_dir = TestDir::new();
    let gate = Arc::new(Gate::default());
    let (held, order) = (Arc::clone(&gate), Arc::new(Mutex::new(Vec::new())));
    let (called, calls) = mpsc::channel();
    let noted = Arc::clone(&order);
    let app = move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        let path = call.request().path_info().unwrap_or_default().to_vec();
        called.send(())?;
        if path == Gate::PATH.as_bytes() {
            held.pass();
        }
        std::io::copy(body, &mut std::io::sink())?;
        noted.lock().unwrap().push(String::from_utf8(path)?);
        Ok(answer.whole(Head::new(200), b"hello\n")?)
    };
    let (_running, at) = one_worker(&test_dir, app, Settings::default());
    thread::scope(|scope| {
        let mut begun = at.connect().unwrap();
        begun.write_all(&post("/begun", LARGE)).unwrap();
        calls.recv_timeout(TIMEOUT).expect("the application is called");
        let works = scope.spawn(|| at.ask(&get(Gate::PATH)).unwrap());
        gate.wait_for(1);
        let new: Vec<_> = (0..3).map(|_| scope.spawn(|| at.ask(&get("/new")).unwrap())).collect();
        // Nothing outside of the server shows that a request waits for the permit. First the new ones come to wait, then the
        // one that has begun.
        thread::sleep(Duration::from_millis(300));
        begun.write_all(&[b'x'; LARGE]).unwrap();
        thread::sleep(Duration::from_millis(300));
        gate.open();
        let mut answer = Vec::new();
        begun.read_to_end(&mut answer).unwrap();
        for client in new.into_iter().chain([works]) {
            assert_eq!(status(&client.join().unwrap()), 200);
        }
    });
    assert_eq!(*order.lock().unwrap(), [Gate::PATH, "/begun", "/new", "/new", "/new"]);
}

/// A request that waits for its permit is refused in time at a stop.
#[test]
fn a_stop_does_not_wait_for_a_permit() {
    let test_dir = TestDir::new();
    let mut settings = Settings::default();
    settings.stop_grace = Duration::from_secs(1);
    let gate = Arc::new(Gate::default());
    let (held, (called, calls)) = (Arc::clone(&gate), mpsc::channel());
    let app = move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(())?;
        if call.request().path_info() == Some(Gate::PATH.as_bytes()) {
            held.pass();
        }
        std::io::copy(body, &mut std::io::sink())?;
        Ok(answer.whole(Head::new(200), b"hello\n")?)
    };
    let (running, at) = one_worker(&test_dir, app, settings);
    thread::scope(|scope| {
        let mut begun = at.connect().unwrap();
        begun.write_all(&post("/begun", LARGE)).unwrap();
        calls.recv_timeout(TIMEOUT).expect("the application is called");
        let works = scope.spawn(|| at.ask(&get(Gate::PATH)));
        gate.wait_for(1);
        begun.write_all(&[b'x'; 5]).unwrap();
        // Nothing outside of the server shows that the request waits for the permit.
        thread::sleep(Duration::from_millis(200));
        running.handle.stop();
        let (stopped, mut answer) = (Instant::now(), Vec::new());
        begun.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 503);
        assert!(stopped.elapsed() < Duration::from_secs(3), "{:?}", stopped.elapsed());
        gate.open();
        drop(works.join().unwrap());
    });
}

/// A request that holds a lock of the application during a write needs the permit again. Another request has the permit, and
/// waits for the lock. The server does not deadlock.
#[test]
fn a_lock_that_is_held_during_a_write_causes_no_deadlock() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let lock = Mutex::new(());
    let (called, calls) = mpsc::channel();
    let locked = move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(())?;
        let _held = lock.lock();
        Ok(answer.whole(Head::new(200), &vec![b'x'; 4 << 20])?)
    };
    let _running = Running::start(Server::new(locked).unwrap().bind(&bind).unwrap().with_workers(1));
    let ask = || {
        let mut stream = at.connect().unwrap();
        stream.write_all(&get("/")).unwrap();
        stream
    };
    // The first has the lock and waits for its peer, without the permit: otherwise the second would not be called.
    let first = ask();
    calls.recv_timeout(TIMEOUT).expect("the application is called");
    let second = ask();
    calls.recv_timeout(TIMEOUT).expect("the application is called a second time");
    // The second has the permit and waits for the lock.
    let third = ask();
    // Nothing outside of the server shows that the third waits for the permit.
    thread::sleep(Duration::from_millis(200));
    for mut stream in [first, second, third] {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(status(&answer) == 200 && answer.len() > 4 << 20, "{} bytes", answer.len());
    }
}

/// A request whose body is read on one thread while its answer is written on another takes one permit, and gives one back.
#[test]
fn both_directions_on_two_threads_take_one_permit() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let both = |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| {
        answer.head(Head::new(200))?;
        thread::scope(|scope| {
            let reads = scope.spawn(|| std::io::copy(body, &mut std::io::sink()));
            for _ in 0..64 {
                answer.write_all(&[b'x'; 65_536])?;
            }
            reads.join().unwrap().map(drop)
        })?;
        Ok(())
    };
    let _running = Running::start(Server::new(both).unwrap().bind(&bind).unwrap().with_workers(1));
    for _ in 0..3 {
        thread::scope(|scope| {
            let clients: Vec<_> = (0..4).map(|_| scope.spawn(|| exchange(&at, 1 << 20))).collect();
            for client in clients {
                assert_eq!(client.join().unwrap(), 64 * 65_536);
            }
        });
    }
}

/// Sends a body of `length` bytes and reads the answer at the same time. Returns the length of the answer's body.
fn exchange(at: &ServerAddress, length: usize) -> usize {
    let mut writer = at.connect().unwrap();
    let mut reader = writer.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            writer.write_all(&post("/", length)).unwrap();
            for piece in vec![b'y'; length].chunks(10_000) {
                writer.write_all(piece).unwrap();
            }
        });
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200);
        answer.len() - b"HTTP/1.1 200 OK\r\n\r\n".len()
    })
}
