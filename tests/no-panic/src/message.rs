//! Packets that are no web requests. The bytes are decoded as every message.

use std::time::Duration;

use uwsgi::message::{
    CacheAnswer, CacheCommand, CacheDelete, CacheRequest, CacheUpdate, Echo, MessageError, Ping, Pong, Reply,
    RpcAnswer, RpcCall, RpcCallEncoder, RpcMode, Signal, SpoolTask, Subscription, SubscriptionCommand,
};
use uwsgi::{EncodeError, Modifier1, Packet, Vars};

type Done<'b> = Result<&'b [u8], EncodeError>;

/// Proves `decode` and `encode` of messages that have one of each.
macro_rules! messages {
    ($($decode:ident $encode:ident $message:ident $(<$lifetime:lifetime>)?;)*) => {
        proven! {$(
            fn $decode<'a>(packet: &Packet<'a>) -> Result<$message $(<$lifetime>)?, MessageError> {
                $message::decode(packet)
            }
            fn $encode<$($lifetime,)? 'b>(message: &$message $(<$lifetime>)?, buffer: &'b mut [u8]) -> Done<'b> {
                message.encode(buffer)
            }
        )*}
    };
}

messages! {
    cache_answer_decode cache_answer_encode CacheAnswer;
    cache_delete_decode cache_delete_encode CacheDelete<'a>;
    cache_request_decode cache_request_encode CacheRequest<'a>;
    cache_update_decode cache_update_encode CacheUpdate<'a>;
    echo_decode echo_encode Echo<'a>;
    ping_decode ping_encode Ping;
    pong_decode pong_encode Pong<'a>;
    reply_decode reply_encode Reply;
    rpc_answer_decode rpc_answer_encode RpcAnswer<'a>;
    signal_decode signal_encode Signal;
    spool_task_decode spool_task_encode SpoolTask<'a>;
    subscription_decode subscription_encode Subscription<'a>;
}

proven! {
    fn cache_command_as_str(command: CacheCommand) -> &'static str {
        command.as_str()
    }
    fn cache_delete_encode_for_uwsgi<'b>(message: &CacheDelete<'_>, buffer: &'b mut [u8]) -> Done<'b> {
        message.encode_for_uwsgi(buffer)
    }

    fn subscription_check_names(message: &Subscription<'_>) -> Result<(), MessageError> {
        message.check_names()
    }
    fn cache_request_with_expires<'a>(message: CacheRequest<'a>, time: Duration) -> CacheRequest<'a> {
        message.with_expires(time)
    }

    fn rpc_call_decode<'a>(packet: &Packet<'a>) -> Result<RpcCall<'a>, MessageError> {
        RpcCall::decode(packet)
    }
    fn rpc_call_decode_as_uwsgi<'a>(packet: &Packet<'a>) -> Result<RpcCall<'a>, MessageError> {
        RpcCall::decode_as_uwsgi(packet)
    }
    fn rpc_call_parts<'a>(call: &RpcCall<'a>) -> (RpcMode, &'a [u8], usize, usize) {
        let both = |bytes: usize, item: &[u8]| bytes ^ item.len();
        (call.mode(), call.name(), call.args().fold(0, both), call.args_as_uwsgi().fold(0, both))
    }
    fn rpc_call_encode<'b>(name: &[u8], arg: &[u8], mode: RpcMode, buffer: &'b mut [u8]) -> Done<'b> {
        let mut call = RpcCallEncoder::new(buffer, name)?;
        call.push(arg)?;
        call.push_as_uwsgi(arg)?;
        call.finish(mode)
    }

    fn spool_task_fields(task: &SpoolTask<'_>) -> (usize, bool, Option<u64>) {
        let bytes = task.vars().len() ^ task.spooler().map_or(0, <[u8]>::len) ^ task.priority().map_or(0, <[u8]>::len);
        (bytes, task.priority_stays_inside(), task.at().ok().flatten())
    }

    fn subscription_encode_signed<'b>(message: &Subscription<'_>, sign: &[u8], buffer: &'b mut [u8]) -> Done<'b> {
        let unsigned = message.begin(buffer)?;
        std::hint::black_box(unsigned.signed());
        unsigned.finish_signed(sign)
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let mut buffer = vec![0; 70_000];
    let buffer = &mut buffer[..];
    let packet = crate::packet(bytes);
    let payload = packet.payload();
    let mut join = Subscription::new(SubscriptionCommand::Join, payload, b"127.0.0.1:3031");
    join.modifier1 = Some(Modifier1::WSGI);
    join.weight = Some(u64::MAX);
    join.algo = Some(b"wrr");
    let delete = CacheDelete { key: payload };
    let task = SpoolTask::new(packet.vars().unwrap_or(Vars::EMPTY));
    call! {
        cache_answer_decode: &packet;
        cache_delete_decode: &packet;
        cache_request_decode: &packet;
        cache_update_decode: &packet;
        echo_decode: &packet;
        ping_decode: &packet;
        pong_decode: &packet;
        reply_decode: &packet;
        rpc_answer_decode: &packet;
        rpc_call_decode: &packet;
        rpc_call_decode_as_uwsgi: &packet;
        signal_decode: &packet;
        spool_task_decode: &packet;
        subscription_decode: &packet;

        cache_answer_encode: &CacheAnswer { size: Some(u64::MAX), expires: None }, &mut *buffer;
        cache_command_as_str: CacheCommand::Update;
        cache_delete_encode: &delete, &mut *buffer;
        cache_delete_encode_for_uwsgi: &delete, &mut *buffer;
        cache_request_encode: &CacheRequest::new(CacheCommand::Get).with_key(payload), &mut *buffer;
        cache_update_encode: &CacheUpdate { key: b"key", value: payload, expires: 0 }, &mut *buffer;
        echo_encode: &Echo { bytes: payload }, &mut *buffer;
        ping_encode: &Ping, &mut *buffer;
        pong_encode: &Pong { warning: payload }, &mut *buffer;
        reply_encode: &Reply::Refused, &mut *buffer;
        rpc_answer_encode: &RpcAnswer::Inline { result: payload }, &mut *buffer;
        rpc_answer_encode: &RpcAnswer::Sized { length: u64::MAX }, &mut *buffer;
        rpc_call_encode: b"hello", payload, RpcMode::Raw, &mut *buffer;
        signal_encode: &Signal { number: 17 }, &mut *buffer;
        spool_task_encode: &task, &mut *buffer;
        spool_task_fields: &task;
        subscription_check_names: &join;
        cache_request_with_expires: CacheRequest::new(CacheCommand::Set), Duration::MAX;
        subscription_encode: &join, &mut *buffer;
        subscription_encode_signed: &join, payload, &mut *buffer;
    }
    if let Ok(call) = RpcCall::decode(&packet) {
        call! { rpc_call_parts: &call; }
    }
}
