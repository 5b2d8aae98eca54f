//! The server side of a connection.

use std::time::Duration;

use uwsgi::Modifier1;
use uwsgi::Time;
use uwsgi::response::{EncodedHead, ResponseEncoder};
use uwsgi::server::{
    AnswerError, BodyStep, Cut, Drain, DrainStep, Ending, Failure, HeadStep, Leaves, Receive, Refusal, Respond,
    Settings, TimeStep,
};

proven! {
    fn time_after(time: Time, duration: Duration) -> Time {
        time.after(duration)
    }
    fn time_since(time: Time, earlier: Time) -> Duration {
        time.since(earlier)
    }

    fn settings_default() -> Settings {
        Settings::default()
    }
    fn settings_with(settings: Settings, bytes: u64, idle: Duration, modifier1: Modifier1) -> Settings {
        settings.with_body_limit(bytes).with_keepalive(idle).with_modifier1(modifier1)
    }
    fn settings_accepts(settings: &Settings, modifier1: Modifier1) -> bool {
        settings.accepts(modifier1)
    }
    fn settings_smallest_buffer(settings: &Settings) -> usize {
        settings.smallest_buffer()
    }

    fn receive_new(settings: Settings, now: Time) -> Receive {
        Receive::new(settings, now)
    }
    fn receive_head(receive: &mut Receive, got: &[u8], eof: bool, now: Time) -> HeadStep {
        receive.head(got, eof, now)
    }
    fn receive_request(receive: &mut Receive, head: &[u8]) -> Option<Refusal> {
        receive.request(head).err()
    }
    fn receive_message(receive: &mut Receive, head: &[u8]) -> Option<Refusal> {
        receive.message(head).err()
    }
    fn receive_body(receive: &mut Receive, got: &[u8], eof: bool, now: Time) -> BodyStep {
        receive.body(got, eof, now)
    }
    fn receive_deadline(receive: &Receive) -> Option<Time> {
        receive.deadline()
    }
    fn receive_unread(receive: &mut Receive, count: usize, now: Time) -> Option<u64> {
        receive.unread(count);
        receive.pause(now);
        receive.unread_body()
    }
    fn receive_shut_down(receive: &mut Receive, now: Time) -> bool {
        receive.shut_down(now);
        receive.allows_another()
    }

    fn respond_queued(receive: &Receive, now: Time) -> Respond {
        let mut respond = Respond::queued(receive, now);
        respond.started();
        respond
    }
    fn respond_head(respond: &mut Respond, head: &EncodedHead<'_>) -> bool {
        respond.head(head)
    }
    fn respond_body(respond: &mut Respond, len: usize) -> Result<Leaves, AnswerError> {
        respond.body(len)
    }
    fn respond_finished(respond: &mut Respond) -> Result<Leaves, AnswerError> {
        respond.finished()
    }
    fn respond_failed(respond: &mut Respond, body: Option<Refusal>) -> Failure {
        respond.failed(body)
    }
    fn respond_waits(respond: &mut Respond, now: Time) -> Option<Time> {
        respond.blocked(now);
        respond.shut_down(now);
        respond.deadline()
    }
    fn respond_time(respond: &mut Respond, now: Time) -> TimeStep {
        respond.wrote(1);
        respond.time(now)
    }
    fn respond_cut(respond: &Respond) -> Option<Cut> {
        respond.cut()
    }

    fn ending_of(receive: Receive, respond: &Respond, now: Time) -> Ending {
        Ending::of(receive, respond, now)
    }
    fn drain_new(settings: &Settings, now: Time) -> Drain {
        Drain::new(settings, now)
    }
    fn drain_step(drain: &mut Drain, dropped: usize, eof: bool, now: Time) -> DrainStep {
        drain.step(dropped, eof, now)
    }

    fn refusal_answer(refusal: Refusal, to_head: bool) -> (u16, &'static [u8]) {
        (refusal.status(), refusal.response(to_head))
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let (now, later) = (Time::from_millis(1), Time::from_millis(90_000));
    call! {
        time_after: now, Duration::MAX;
        time_since: now, later;
        settings_default: ;
    }
    let settings = settings_with(Settings::default(), 1 << 20, Duration::from_secs(5), Modifier1::PSGI);
    call! {
        settings_accepts: &settings, Modifier1::PING;
        settings_smallest_buffer: &settings;
        refusal_answer: Refusal::NoWorker, false;
        refusal_answer: Refusal::BodyTooLarge { length: 5, limit: 4 }, true;
    }
    let mut receive = receive_new(settings, now);
    let step = receive_head(&mut receive, bytes, true, now);
    if let HeadStep::Head { end } = step {
        call! {
            receive_request: &mut receive, &bytes[..end];
            receive_body: &mut receive, &bytes[end..], false, now;
            receive_unread: &mut receive, 1, now;
            receive_body: &mut receive, b"", false, now;
            receive_deadline: &receive;
        }
    }
    call! { receive_message: &mut receive.clone(), bytes; }
    let mut buffer = [0; 64];
    let Ok(head) = ResponseEncoder::new(&mut buffer[..], 200, "OK").and_then(ResponseEncoder::finish) else { return };
    let mut respond = respond_queued(&receive, now);
    call! {
        receive_head: &mut receive, bytes, false, later;
        receive_shut_down: &mut receive, now;
        respond_head: &mut respond, &head;
        respond_body: &mut respond, bytes.len();
        respond_finished: &mut respond;
        respond_failed: &mut respond, Some(Refusal::AppFailed);
        respond_waits: &mut respond, now;
        respond_time: &mut respond, later;
        respond_cut: &respond;
    }
    let mut drain = drain_new(receive.settings(), now);
    call! {
        drain_step: &mut drain, bytes.len(), false, later;
        ending_of: receive, &respond, now;
    }
}
