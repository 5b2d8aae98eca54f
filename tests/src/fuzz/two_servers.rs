//! Both servers with the same bytes at the same times and the same application.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::time::{Instant, sleep_until, timeout};
use uwsgi::Time;
use uwsgi::server::{Refusal, Settings};
use uwsgi::{Limits, Modifier1};
use uwsgi_conformance::App;
use uwsgi_io::{Direction, Transport};
use uwsgi_server::{Addresses, Answer, AppError, Call};
use uwsgi_tower::{Connection, End, Stop, request_parts};

use crate::drive::pieces;
use crate::ours::{Application, Gate, answer};
use crate::timeline::{Act, Behavior, Timeline};

/// The first byte chooses the settings: its bit 1 keeps connections, bit 2 accepts chunked bodies, bit 4 sets small
/// limits, bit 8 accepts requests of another modifier and signals. The second byte chooses one of the applications of
/// the conformance cases. The third counts the piece sizes that follow it, for reads and writes; its bit 16 makes the
/// server wait for each piece. Three more bytes say what else happens, and when. The other bytes are what a front end
/// sends until it closes.
///
/// Oracle: each server is the oracle of the other. The same bytes leave, apart from upper and lower case, and the
/// connection ends at the same time and in the same way. The target avoids what differs because of the crate `http`: see
/// `APPS` and `gives_otherwise_to_head`.
pub fn two_servers(input: &[u8]) {
    let Some((plan, stream)) = Plan::new(input) else { return };
    let script = plan.script(stream);
    let blocking = plan.blocking(script.clone());
    if blocking.to_head && plan.app.is_some_and(gives_otherwise_to_head) {
        return;
    }
    let asynchronous = plan.asynchronous(script);
    assert_eq!(blocking.end, asynchronous, "blocking, then asynchronous, with {:?}", plan.app);
}

/// The applications that take no time and use nothing that `http` lacks.
///
/// In `http`, [`App::LongThenFail`] does not learn that it gave too much, and [`App::ReadSomeThenAnswer`] reads whole
/// frames.
const APPS: [App; 21] = [
    App::ReadAllThenAnswer,
    App::AnswerWithoutReading,
    App::ReadTwice,
    App::AnswerTheReadError,
    App::AnswerThenRead,
    App::OpenEnded,
    App::Empty(200),
    App::Empty(404),
    App::Status(204),
    App::Status(304),
    App::Status(404),
    App::EmptyPieces,
    App::HeadTwice,
    App::HeadTooLate,
    App::NoHead,
    App::Nothing,
    App::FailBefore,
    App::FailAfterHead,
    App::FailAfter(50),
    App::Short(10),
    App::Long(10),
];

/// Returns whether an application gives something else for HEAD than for GET: `uwsgi-tower` does not ask for the body of a
/// response to HEAD.
fn gives_otherwise_to_head(app: App) -> bool {
    matches!(app, App::AnswerThenRead | App::FailAfter(_) | App::FailAfterHead | App::HeadTooLate)
}

struct Plan {
    flags: u8,
    app: Option<App>,
    early: bool,
    sizes: Vec<u8>,
    happens: [u8; 3],
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    /// In lower case: the servers write header names in different cases.
    written: String,
    half_closed: bool,
    /// Reset by the server, or given up because the peer had reset it or read nothing.
    cut: bool,
    took: u64,
}

struct Blocking {
    end: Ended,
    /// Whether a request was HEAD.
    to_head: bool,
}

impl Plan {
    fn new(input: &[u8]) -> Option<(Self, &[u8])> {
        let ([flags, app, counts, happens @ ..], rest) = input.split_first_chunk::<6>()?;
        let (sizes, stream) = rest.split_at_checked(usize::from(counts & 15))?;
        let app = APPS.get(usize::from(*app) % APPS.len()).copied();
        let early = counts & 16 != 0;
        Some((Self { flags: *flags, app, early, sizes: sizes.to_vec(), happens: *happens }, stream))
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.chunked = self.has(2);
        // This timeout is short, so that an event can come after it.
        settings.write_idle = Duration::from_secs(30);
        if self.has(1) {
            settings = settings.with_keepalive(Duration::from_secs(5));
        }
        if self.has(4) {
            settings = settings.with_limits(Limits::server().with_datasize(512)).with_body_limit(64);
        }
        if self.has(8) {
            settings = settings.with_modifier1(Modifier1::PSGI).with_modifier1(Modifier1::SIGNAL);
        }
        settings
    }

    fn behavior(&self) -> Behavior {
        let takes = if self.sizes.iter().any(|size| *size > 0) { self.sizes.clone() } else { Vec::new() };
        Behavior { takes, early: self.early, late: Duration::ZERO }
    }

    /// Returns what happens, and when.
    fn script(&self, stream: &[u8]) -> Vec<(u64, Act)> {
        let [kind, when, pause] = self.happens.map(u64::from);
        // In milliseconds. `when` is at most 65 s, which is longer than any timeout here.
        let (when, pause) = (when * when, pause * pause / 8);
        // Byte by byte, unless the stream is long: that would take too much time.
        let smallest: &[u8] = if stream.len() > 2048 { &[251] } else { &[] };
        let sizes = if self.sizes.is_empty() { smallest } else { &self.sizes[..] };
        let mut script: Vec<(u64, Act)> =
            pieces(stream, sizes).zip(0..).map(|(piece, at)| (at * pause, Act::Send(piece.to_vec()))).collect();
        let last = script.last().map_or(0, |(at, _)| *at);
        if kind & 1 != 0 {
            script.push((when, Act::Reset));
        }
        if kind & 2 != 0 {
            script.push((when / 2, Act::Stop));
        }
        if kind & 4 != 0 {
            script.push((when / 3, Act::Stall));
        }
        if kind & 8 == 0 {
            script.push((last, Act::Shut));
        }
        script.sort_by_key(|(at, _)| *at);
        script
    }

    fn blocking(&self, script: Vec<(u64, Act)>) -> Blocking {
        let app = self.app.expect("one of the applications");
        let timeline = Timeline::new(script, self.behavior());
        let application = Http {
            application: Application::new(app, self.has(2), open_gate()),
            refused: false.into(),
            to_head: false.into(),
        };
        let served = uwsgi_server::serve_connection(
            &WithoutLook(&timeline),
            &application,
            &self.settings(),
            Addresses::default(),
        );
        let outcome = timeline.outcome();
        let mut written = String::from_utf8_lossy(&outcome.written).to_ascii_lowercase();
        let (refused, to_head) = (application.refused.into_inner(), application.to_head.into_inner());
        if refused {
            for to_head in [false, true] {
                let text = |refusal: Refusal| String::from_utf8_lossy(refusal.response(to_head)).to_ascii_lowercase();
                if let Some(before) = written.strip_suffix(&text(Refusal::AppFailed)) {
                    written = [before, &text(Refusal::NotHttp)].concat();
                    break;
                }
            }
        }
        let (half_closed, cut) = (outcome.half_closed, outcome.aborted || served.is_err());
        Blocking { end: Ended { written, half_closed, cut, took: outcome.took }, to_head }
    }

    fn asynchronous(&self, script: Vec<(u64, Act)>) -> Ended {
        let (app, chunked, settings) = (self.app.expect("one of the applications"), self.has(2), self.settings());
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        let stops = script.iter().find(|(_, act)| *act == Act::Stop).map(|(at, _)| *at);
        runtime.block_on(async {
            let start = Instant::now();
            let stop = Stop::new();
            if let Some(at) = stops {
                let stop = stop.clone();
                tokio::spawn(async move {
                    sleep_until(start + Duration::from_millis(at)).await;
                    stop.ask();
                });
                // The stop comes before anything else at that time.
                tokio::task::yield_now().await;
            }
            let io = Timeline::new(script, self.behavior()).into_io();
            let timeline = io.watch();
            let gate = open_gate();
            let service = tower::service_fn(move |request| answer(app, chunked, Arc::clone(&gate), request));
            let served = Connection::new(io, service).with_settings(settings).with_stop(stop).serve();
            // Without this timeout a hang would last for ever, since nothing would move the clock.
            let served = timeout(Duration::from_secs(1 << 20), served).await.expect("nothing waits for ever");
            let took = u64::try_from(start.elapsed().as_millis()).unwrap();
            let outcome = timeline.outcome();
            let written = String::from_utf8_lossy(&outcome.written).to_ascii_lowercase();
            let cut = !matches!(served, Ok(End::Close(_)));
            Ended { written, half_closed: outcome.half_closed, cut, took }
        })
    }
}

/// Returns a gate that holds nothing.
fn open_gate() -> Arc<Gate> {
    let gate = Gate::default();
    gate.open();
    Arc::new(gate)
}

/// An application that refuses what the crate `http` refuses.
struct Http {
    application: Application,
    refused: std::sync::atomic::AtomicBool,
    to_head: std::sync::atomic::AtomicBool,
}

impl uwsgi_server::App for Http {
    fn call(
        &self,
        call: &Call<'_>,
        body: &mut dyn uwsgi_server::Body,
        answer: &mut dyn Answer,
    ) -> Result<(), AppError> {
        use std::sync::atomic::Ordering::Relaxed;

        self.to_head.fetch_or(call.request().method() == Some(b"HEAD"), Relaxed);
        if let Err(error) = request_parts(call.request()).map(|parts| Request::from_parts(parts, ())) {
            self.refused.store(true, Relaxed);
            return Err(error.into());
        }
        self.application.call(call, body, answer)
    }
}

/// A transport that cannot look for more bytes without waiting.
struct WithoutLook<'t>(&'t Timeline);

impl Transport for WithoutLook<'_> {
    fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }

    fn write(&self, pieces: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
        self.0.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> std::io::Result<()> {
        self.0.wait(direction, until)
    }

    fn now(&self) -> Time {
        self.0.now()
    }

    fn shut_down_write(&self) -> std::io::Result<()> {
        self.0.shut_down_write()
    }

    fn abort(&self) -> std::io::Result<()> {
        self.0.abort()
    }

    fn stop_asked(&self) -> Option<Time> {
        self.0.stop_asked()
    }
}
