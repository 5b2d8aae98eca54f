//! Our side of each pair, one call each.

use uwsgi::client::{Exchange, ResponseStep};
use uwsgi::response::ResponseHead;
use uwsgi::server::{BodyStep, HeadStep, Receive, Settings, Time};
use uwsgi::{DecodeError, EncodeError, Limits, Modifier1, Packet, Request, VarIndex, Vars, VarsEncoder};

/// Decodes a packet, validates its vars and counts them.
#[inline(never)]
pub fn decode(bytes: &[u8]) -> Result<usize, DecodeError> {
    let (packet, _) = Packet::decode(bytes)?;
    Ok(packet.vars()?.len())
}

/// [`decode`], held to limits that the compiler does not know.
#[inline(never)]
pub fn decode_with(bytes: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let (packet, _) = Packet::decode_with(bytes, limits)?;
    Ok(packet.vars_with(limits)?.len())
}

/// Decodes a packet and locates what a request is asked for.
#[inline(never)]
pub fn request(bytes: &[u8]) -> Result<Request<'_>, DecodeError> {
    let (packet, _) = Packet::decode(bytes)?;
    Request::decode(&packet)
}

/// Writes all pairs as one packet, and answers its length.
#[inline(never)]
pub fn encode(pairs: &[(&[u8], &[u8])], buffer: &mut [u8]) -> Result<usize, EncodeError> {
    let mut vars = VarsEncoder::new(buffer);
    for (key, value) in pairs {
        vars.push(key, value)?;
    }
    Ok(vars.finish(Modifier1::WSGI, 0)?.len())
}

/// Goes through proven vars, and looks at each length.
#[inline(never)]
pub fn iterate(vars: Vars<'_>) -> usize {
    vars.iter().map(|(key, value)| key.len() ^ value.len()).fold(0, usize::wrapping_add)
}

/// Goes through the headers that count, and counts them.
#[inline(never)]
pub fn headers(request: &Request<'_>) -> usize {
    request.headers().count()
}

/// Looks one header up by its name.
#[inline(never)]
pub fn header<'a>(request: &Request<'a>, name: &str) -> Option<&'a [u8]> {
    request.header_all(name).last()
}

/// Looks one var up by its key.
#[inline(never)]
pub fn get<'a>(vars: Vars<'a>, key: &[u8]) -> Option<&'a [u8]> {
    vars.get(key)
}

/// Looks at what the values hold.
#[inline(never)]
pub fn check(request: &Request<'_>) -> bool {
    uwsgi::check(request).is_ok()
}

/// Sorts the vars, then looks each of `keys` up.
#[inline(never)]
pub fn index(vars: Vars<'_>, keys: &[&[u8]]) -> usize {
    let Some(index) = VarIndex::<128>::new(vars) else { return 0 };
    keys.iter().filter_map(|key| index.get(key)).map(<[u8]>::len).sum()
}

/// Looks each of `keys` up without an index.
#[inline(never)]
pub fn gets(vars: Vars<'_>, keys: &[&[u8]]) -> usize {
    keys.iter().filter_map(|key| vars.get(key)).map(<[u8]>::len).sum()
}

/// Decodes a packet and locates what a request is asked for, held to limits, then looks at what its values hold: what
/// a server does with a request and without a connection.
#[inline(never)]
pub fn checked_request<'a>(bytes: &'a [u8], limits: &Limits) -> Option<Request<'a>> {
    let (packet, _) = Packet::decode(bytes).ok()?;
    let request = Request::decode_with(&packet, limits).ok()?;
    uwsgi::check(&request).ok()?;
    Some(request)
}

/// One request through the server's machine, which is made for it: head, request, and the end of a body that it has not.
#[inline(never)]
pub fn receive<'a>(settings: &Settings, now: Time, bytes: &'a [u8]) -> Option<Request<'a>> {
    let mut receive = Receive::new(*settings, now);
    let HeadStep::Head { end } = receive.head(bytes, false, now) else { return None };
    let (head, body) = bytes.split_at_checked(end)?;
    let request = receive.request(head).ok()?;
    let BodyStep::End { skip: 0 } = receive.body(body, false, now) else { return None };
    Some(request)
}

/// The head of an answer through the client's machine, which is made for it, all bytes there at once.
#[inline(never)]
pub fn exchange(got: &[u8]) -> Option<ResponseHead<'_>> {
    let mut exchange = Exchange::new(false);
    let uwsgi::client::AnswerStep::Head { response, .. } = exchange.answer(got, false) else { return None };
    Some(response)
}

/// [`exchange`], shown one byte more each time.
#[inline(never)]
pub fn exchange_byte_by_byte(got: &[u8]) -> Option<ResponseHead<'_>> {
    let mut exchange = Exchange::new(false);
    for len in 1..=got.len() {
        match exchange.head(got.get(..len)?, false) {
            ResponseStep::Need(_) => {}
            ResponseStep::Head { end } => return exchange.response(got.get(..end)?).ok(),
            ResponseStep::Fail(_) => return None,
        }
    }
    None
}

/// How many bytes the server's machine takes, for each connection.
pub const RECEIVE_SIZE: usize = size_of::<Receive>();

/// How many bytes the client's machine takes.
pub const EXCHANGE_SIZE: usize = size_of::<Exchange>();

/// What [`RECEIVE_SIZE`] must not be over.
pub const MOST_RECEIVE_SIZE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_little_memory() {
        assert_eq!(RECEIVE_SIZE.max(MOST_RECEIVE_SIZE), MOST_RECEIVE_SIZE);
    }
}
