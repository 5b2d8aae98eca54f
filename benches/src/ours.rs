//! Our side of each pair, one call each.

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

/// Looks one header up by its name.
#[inline(never)]
pub fn header<'a>(request: &Request<'a>, name: &str) -> Option<&'a [u8]> {
    request.header(name)
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
