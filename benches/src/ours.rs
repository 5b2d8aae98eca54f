//! Our side of each pair, as one function each.

use uwsgi::Time;
use uwsgi::client::{self, Exchange};
use uwsgi::response::ResponseHead;
use uwsgi::server::{BodyStep, HeadStep, Receive, Settings};
use uwsgi::{DecodeError, EncodeError, Limits, Modifier1, Packet, Request, Vars, VarsEncoder};

/// Decodes a packet, validates its vars and counts them.
#[inline(never)]
pub fn decode(bytes: &[u8]) -> Result<usize, DecodeError> {
    let (packet, _) = Packet::decode(bytes)?;
    Ok(packet.vars()?.len())
}

/// Does what [`decode`] does, within limits that the compiler does not know.
#[inline(never)]
pub fn decode_with(bytes: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let (packet, _) = Packet::decode_with(bytes, limits)?;
    Ok(packet.vars_with(limits)?.len())
}

/// Decodes a packet to a request.
#[inline(never)]
pub fn request(bytes: &[u8]) -> Result<Request<'_>, DecodeError> {
    let (packet, _) = Packet::decode(bytes)?;
    Request::decode(&packet)
}

/// Writes all pairs as one packet, and returns its length.
#[inline(never)]
pub fn encode(pairs: &[(&[u8], &[u8])], buffer: &mut [u8]) -> Result<usize, EncodeError> {
    let mut vars = VarsEncoder::new(buffer);
    for (key, value) in pairs {
        vars.push(key, value)?;
    }
    Ok(vars.finish(Modifier1::WSGI, 0)?.len())
}

/// Iterates over validated vars, and reads each length.
#[inline(never)]
pub fn iterate(vars: Vars<'_>) -> usize {
    vars.iter().map(|(key, value)| key.len() ^ value.len()).fold(0, usize::wrapping_add)
}

/// Counts the headers of a request.
#[inline(never)]
pub fn headers(request: &Request<'_>) -> usize {
    request.headers().count()
}

/// Looks up one header by its name.
#[inline(never)]
pub fn header<'a>(request: &Request<'a>, name: &str) -> Option<&'a [u8]> {
    request.header_all(name).last()
}

/// Looks up one var by its key.
#[inline(never)]
pub fn get<'a>(vars: Vars<'a>, key: &[u8]) -> Option<&'a [u8]> {
    vars.get(key)
}

/// Checks the values of a request.
#[inline(never)]
pub fn check(request: &Request<'_>) -> bool {
    uwsgi::check(request).is_ok()
}

/// Looks up each of `keys`.
#[inline(never)]
pub fn gets(vars: Vars<'_>, keys: &[&[u8]]) -> usize {
    keys.iter().filter_map(|key| vars.get(key)).map(<[u8]>::len).sum()
}

/// Decodes a packet to a request within limits, then checks its values. A server without a connection would do the same with a
/// request.
#[inline(never)]
pub fn checked_request<'a>(bytes: &'a [u8], limits: &Limits) -> Option<Request<'a>> {
    let (packet, _) = Packet::decode(bytes).ok()?;
    let request = Request::decode_with(&packet, limits).ok()?;
    uwsgi::check(&request).ok()?;
    Some(request)
}

/// Passes one request through the server's machine, which is made for this request: head, request, and the end of an empty
/// body.
#[inline(never)]
pub fn receive<'a>(settings: &Settings, now: Time, bytes: &'a [u8]) -> Option<Request<'a>> {
    let mut receive = Receive::new(*settings, now);
    let HeadStep::Head { end } = receive.head(bytes, false, now) else { return None };
    let (head, body) = bytes.split_at_checked(end)?;
    let request = receive.request(head).ok()?;
    let BodyStep::End { skip: 0 } = receive.body(body, false, now) else { return None };
    Some(request)
}

/// Passes the head of an answer through the client's machine, which is made for this answer. All bytes are there at once.
#[inline(never)]
pub fn exchange(got: &[u8]) -> Option<ResponseHead<'_>> {
    let mut exchange = Exchange::new(false);
    let client::AnswerStep::Head { response, .. } = exchange.answer(got, false) else { return None };
    Some(response)
}

/// Does what [`exchange`] does, with one byte more in each call.
#[inline(never)]
pub fn exchange_byte_by_byte(got: &[u8]) -> Option<ResponseHead<'_>> {
    let mut exchange = Exchange::new(false);
    for len in 1..=got.len() {
        match exchange.head(got.get(..len)?, false) {
            client::HeadStep::Need(_) => {}
            client::HeadStep::Head { end } => return exchange.response(got.get(..end)?).ok(),
            client::HeadStep::Fail(_) => return None,
        }
    }
    None
}

/// How many bytes the server's machine takes. A server has one for each connection.
pub const RECEIVE_SIZE: usize = size_of::<Receive>();

/// How many bytes the client's machine takes.
pub const EXCHANGE_SIZE: usize = size_of::<Exchange>();

/// The largest value that [`RECEIVE_SIZE`] may have.
pub const MOST_RECEIVE_SIZE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_little_memory() {
        assert_eq!(RECEIVE_SIZE.max(MOST_RECEIVE_SIZE), MOST_RECEIVE_SIZE);
    }
}
