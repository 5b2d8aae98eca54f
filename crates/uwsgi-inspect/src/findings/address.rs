//! Who the client is.

use core::net::SocketAddr;

use crate::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::seen::{Shown, is_private};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "remote-addr-with-port",
        Warning,
        |seen| {
            let address: SocketAddr = seen.ascii("REMOTE_ADDR")?.parse().ok()?;
            Some(Evidence::one(address))
        },
        "REMOTE_ADDR is {0}: the port is in it, as Caddy's uwsgi transport sends it. Lists of addresses do not match it.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "remote-addr-is-no-address",
        Warning,
        |seen| {
            let text = seen.filled("REMOTE_ADDR")?;
            let is_address = match seen.remote() {
                Some(address) => !address.is_unspecified(),
                None => seen.ascii("REMOTE_ADDR").is_some_and(|text| text.parse::<SocketAddr>().is_ok()),
            };
            (!is_address).then(|| Evidence::one(Shown(text)))
        },
        "REMOTE_ADDR is {0}, nobody's address: the front end was itself asked over a Unix socket.",
        &[(Nginx, "set_real_ip_from unix:;\nreal_ip_header X-Forwarded-For;")],
    ),
    Finding::new(
        "forwarded-for-unread",
        Note,
        |seen| {
            let proxy = seen.remote().filter(is_private)?;
            let client = seen.filled("HTTP_X_FORWARDED_FOR")?;
            Some(Evidence::two(proxy, Shown(client)))
        },
        "REMOTE_ADDR is {0}, and HTTP_X_FORWARDED_FOR says {1}: if {0} is your proxy, the front end can put the client in \
         its place.",
        &[
            (Nginx, "set_real_ip_from {0};\nreal_ip_header X-Forwarded-For;"),
            (Apache, "RemoteIPHeader X-Forwarded-For"),
            (Lighttpd, "extforward.forwarder = ( \"{0}\" => \"trust\" )"),
        ],
    ),
    Finding::new(
        "forwarded-for-from-client",
        Note,
        |seen| {
            let client = seen.remote().filter(|address| !is_private(address))?;
            let said = seen.filled("HTTP_X_FORWARDED_FOR")?;
            (said != seen.var("REMOTE_ADDR")?).then(|| Evidence::two(client, Shown(said)))
        },
        "HTTP_X_FORWARDED_FOR is {1} and came with a request from {0}: unless that is your proxy, the client wrote what it \
         likes.",
        &[(Nginx, "uwsgi_param HTTP_X_FORWARDED_FOR $remote_addr;"), (Apache, "RequestHeader unset X-Forwarded-For")],
    ),
    Finding::new(
        "remote-user-empty",
        Note,
        |seen| Evidence::when(seen.var("REMOTE_USER") == Some(b"")),
        "REMOTE_USER is empty: nobody logged in, but who only asks whether the var is there takes it for a login.",
        &[(Nginx, "uwsgi_param REMOTE_USER $remote_user if_not_empty;")],
    ),
];
