//! The packet of a web request, built from a URL as a front end would build it.

mod headers;
mod options;
mod url;

use std::ffi::OsStr;

use uwsgi::{EncodeError, HeaderName, Modifier1, Packet, VarsEncoder, check_var};
use uwsgi_inspect::Escaped;

use self::headers::{Header, headers};
pub(crate) use self::options::{RequestOptions, VarSyntax};
pub(crate) use self::url::{Url, is_url};
use crate::exit::Failure;
use crate::options::Pair;

impl<'a> RequestOptions<'a> {
    /// Returns the packet. Each pair replaces all vars of its key. The pairs come last, in their order.
    pub(crate) fn packet(
        &self,
        url: &Url,
        pairs: &[Pair<'_>],
        modifier1: Modifier1,
        modifier2: u8,
    ) -> Result<Vec<u8>, Failure> {
        let method = self.method()?;
        let headers = headers(self, url)?;

        let mut bytes = Vec::new();
        let mut encoder = VarsEncoder::new(&mut bytes);
        // Values are not checked. A user may send /%00 on purpose, to test how the server handles it.
        let mut push = |key: &str, value: &[u8]| {
            encoder.push_raw(key, value).map_err(|error| Failure::encode(key.as_bytes(), error))
        };
        // The names and their order are those of nginx's uwsgi_params.
        push("QUERY_STRING", url.query.as_bytes())?;
        push("REQUEST_METHOD", method)?;
        push("REQUEST_URI", url.request_uri.as_bytes())?;
        push("PATH_INFO", &url.path_info)?;
        push("SERVER_PROTOCOL", b"HTTP/1.1")?;
        push("REQUEST_SCHEME", url.scheme.as_bytes())?;
        if url.scheme == "https" {
            push("HTTPS", b"on")?;
        }
        push("REMOTE_ADDR", b"127.0.0.1")?;
        push("SERVER_PORT", url.port.to_string().as_bytes())?;
        push("SERVER_NAME", url.name.as_bytes())?;
        for Header { name, value } in &headers {
            encoder.push_header(name, value).map_err(|error| header_failure(name, error, self.vars))?;
        }
        let packet = encoder.finish(modifier1, modifier2).map_err(|error| Failure::encode(b"the request", error))?;
        replace_vars(packet, pairs)
    }

    fn method(&self) -> Result<&'a [u8], Failure> {
        let method = self.method.map_or(self.default_method.as_bytes(), OsStr::as_encoded_bytes);
        match check_var(b"REQUEST_METHOD", method) {
            Ok(()) => Ok(method),
            Err(error) => Err(Failure::Failed(format!("-X {}: {error}", Escaped(method)))),
        }
    }
}

/// Returns the packet with the pairs in place of the vars of their keys.
fn replace_vars(packet: &[u8], pairs: &[Pair<'_>]) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| Failure::Failed(format!("the request could not be read back: {error}"));
    let (packet, _) = Packet::decode(packet).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut encoder = VarsEncoder::new(&mut bytes);
    let vars = packet.vars().map_err(unreadable)?;
    for (key, value) in vars.iter().filter(|(key, _)| !pairs.iter().any(|pair| pair.key == *key)) {
        encoder.push_raw(key, value).map_err(|error| Failure::encode(key, error))?;
    }
    for pair in pairs {
        pair.push_to(&mut encoder)?;
    }
    encoder.finish(packet.modifier1(), packet.modifier2()).map_err(|error| Failure::encode(b"the request", error))?;
    Ok(bytes)
}

/// Returns the failure of a header. If the header can be sent as a var, the message says how.
fn header_failure(name: &[u8], error: EncodeError, vars: VarSyntax) -> Failure {
    let mut message = format!("-H '{}': {error}", Escaped(name));
    if error.is_forbidden() {
        let key: Vec<u8> = HeaderName::from_name(name).key().collect();
        let key = Escaped(&key).to_string();
        message.push_str("; to send it all the same, ");
        message.push_str(&match vars {
            VarSyntax::Argument => format!("write the var itself, as in '{key}=VALUE'"),
            VarSyntax::Option => format!("write the var itself, as in --var '{key}=VALUE'"),
            VarSyntax::Packet => {
                format!("give --packet FILE, and make the file by uwsgictl encode URL '{key}=VALUE' -o FILE")
            }
        });
    }
    Failure::Failed(message)
}
