//! The packets that are not web requests, in the page's words.

use uwsgi::Packet;
use uwsgi::message::{
    CacheAnswer, CacheDelete, CacheRequest, CacheUpdate, Echo, Ping, Pong, Reply, RpcAnswer, RpcCall, RpcMode, Signal,
    SpoolTask, Subscription, SubscriptionCommand,
};

/// Returns everything that a packet, and the bytes after it, can be read as. Which reading is right depends on the
/// sender.
pub fn readings(packet: &Packet<'_>, after: &[u8]) -> Vec<String> {
    let then = if after.is_empty() { String::new() } else { format!(": {}", quoted(after)) };
    let mut readings = vec![format!("form {}", crate::examples::form(packet.payload_form()))];
    let mut add = |reading: Option<String>| readings.extend(reading.map(|reading| reading + &then));
    add(Ping::decode(packet).ok().map(|Ping| "ping".to_owned()));
    add(Pong::decode(packet).ok().map(|pong| match pong.warning {
        b"" => "pong".to_owned(),
        warning => format!("pong {}", quoted(warning)),
    }));
    add(Echo::decode(packet).ok().map(|echo| format!("echo {}", quoted(echo.bytes))));
    add(Signal::decode(packet).ok().map(|signal| format!("signal {}", signal.number)));
    add(Reply::decode(packet).ok().map(|reply| format!("{reply:?}").to_lowercase()));
    add(SpoolTask::decode(packet).ok().map(|task| {
        let pairs = task.vars().iter().map(|(key, value)| format!(" {}={}", key.escape_ascii(), quoted(value)));
        format!("task{}", pairs.collect::<String>())
    }));
    add(RpcCall::decode(packet).ok().map(|call| {
        let raw = if call.mode() == RpcMode::Raw { "raw " } else { "" };
        let args: Vec<_> = call.args().map(quoted).collect();
        format!("{raw}call {}({})", call.name().escape_ascii(), args.join(", "))
    }));
    add(RpcAnswer::decode(packet).ok().map(|answer| match answer {
        RpcAnswer::Inline { result } => format!("result {}", quoted(result)),
        RpcAnswer::Sized { length } => format!("result of {length} bytes"),
        other => format!("{other:?}"),
    }));
    add(CacheRequest::decode(packet).ok().map(|request| {
        let part = |before: &str, part: Option<&[u8]>| match part {
            Some(part) => format!(" {before}{}", part.escape_ascii()),
            None => String::new(),
        };
        let command = request.command.as_str();
        let expires = request.expires.map_or(String::new(), |seconds| format!(", for {seconds} s"));
        format!("{command}{}{}{}{expires}", part("", request.key), part("in ", request.cache), bytes(request.size))
    }));
    add(CacheAnswer::decode(packet).ok().map(|answer| {
        let expires = answer.expires.map_or(String::new(), |time| format!(", until {time}"));
        format!("ok{}{expires}", bytes(answer.size))
    }));
    add(CacheUpdate::decode(packet).ok().map(|update| {
        format!("replicate {}={} until {}", update.key.escape_ascii(), quoted(update.value), update.expires)
    }));
    add(CacheDelete::decode(packet).ok().map(|delete| format!("replicate the end of {}", delete.key.escape_ascii())));
    add(Subscription::decode(packet).ok().map(|subscription| {
        let command = match subscription.command {
            SubscriptionCommand::Join => "join",
            SubscriptionCommand::Leave => "leave",
        };
        let signed = if subscription.signature.is_some() { ", signed" } else { "" };
        format!("{command} {} at {}{signed}", subscription.key.escape_ascii(), subscription.address.escape_ascii())
    }));
    readings
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn bytes(size: Option<u64>) -> String {
    size.map_or(String::new(), |size| format!(", {size} bytes"))
}
