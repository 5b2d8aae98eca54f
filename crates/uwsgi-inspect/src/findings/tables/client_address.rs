//! Findings about the client's address and user.

use core::net::SocketAddr;

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::findings::finding::Severity::{Note, Warning};
use crate::findings::inspected_request::{is_private, split_zone};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "remote-addr-with-port",
        Warning,
        |request| {
            let address: SocketAddr = request.ascii("REMOTE_ADDR")?.parse().ok()?;
            Some(Evidence::one(address))
        },
        "REMOTE_ADDR is {0}, with a port, as Caddy's uwsgi transport sends it. Lists of addresses do not match it.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "remote-addr-is-no-address",
        Warning,
        |request| {
            let text = request.non_empty("REMOTE_ADDR").filter(|text| *text != UNIX_PEER)?;
            let is_address = match request.remote_ip() {
                Some(address) => !address.is_unspecified(),
                None => request.ascii("REMOTE_ADDR").is_some_and(|text| text.parse::<SocketAddr>().is_ok()),
            };
            (!is_address).then(|| Evidence::one(Excerpt(text)))
        },
        "REMOTE_ADDR is {0}, which is no address of a client: rules and logs of the application do not know the client. A line \
         of the front end's configuration sets another value.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "remote-addr-is-unix",
        Warning,
        |request| {
            let proxy = if request.non_empty("HTTP_X_FORWARDED_FOR").is_some() {
                ""
            } else {
                "\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; # where the proxy has proxy_pass"
            };
            (request.var("REMOTE_ADDR")? == UNIX_PEER).then(|| Evidence::one(proxy))
        },
        "REMOTE_ADDR is unix: because a proxy connected to nginx over a Unix socket. The proxy must add the client's address \
         at the end of X-Forwarded-For. Then nginx uses the last address of that header.",
        &[(Nginx, "set_real_ip_from unix:;\nreal_ip_header X-Forwarded-For;{0}")],
    ),
    Finding::new(
        "remote-addr-with-zone",
        Note,
        |request| {
            let (address, zone) = split_zone(request.ascii("REMOTE_ADDR")?)?;
            Some(Evidence::two(address, Excerpt(zone.as_bytes())))
        },
        "REMOTE_ADDR is {0} with the zone {1} (RFC 4007): the client is link-local, and the zone is the network interface of \
         the front end. Apache sends it like this. Lists of addresses do not match it, and some programs cannot parse it.",
        &[],
    ),
    Finding::new(
        "forwarded-for-unread",
        Note,
        |request| {
            let proxy = request.remote_ip().filter(is_private)?;
            let client = request
                .non_empty("HTTP_X_FORWARDED_FOR")
                .filter(|client| Some(*client) != request.var("REMOTE_ADDR"))?;
            Some(Evidence::two(proxy, Excerpt(client)))
        },
        "REMOTE_ADDR is {0}, and HTTP_X_FORWARDED_FOR says {1}: if {0} is your proxy and adds the client's address at the end \
         of that header, the front end can set REMOTE_ADDR to that address. The client may have written everything before the \
         last address.",
        &[
            (Nginx, "set_real_ip_from {0};\nreal_ip_header X-Forwarded-For;"),
            // Without a list of proxies, mod_remoteip trusts every peer and takes the first address of the header.
            (Apache, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy {0}"),
            (Lighttpd, "server.modules += ( \"mod_extforward\" )\nextforward.forwarder = ( \"{0}\" => \"trust\" )"),
        ],
    ),
    Finding::new(
        "forwarded-for-from-client",
        Note,
        |request| {
            let client = request.remote_ip().filter(|address| !is_private(address))?;
            let forwarded = request.non_empty("HTTP_X_FORWARDED_FOR")?;
            (forwarded != request.var("REMOTE_ADDR")?).then(|| Evidence::two(client, Excerpt(forwarded)))
        },
        "HTTP_X_FORWARDED_FOR is {1} and came with a request from {0}: unless {0} is your proxy, the client wrote it.",
        &[(Nginx, "uwsgi_param HTTP_X_FORWARDED_FOR $remote_addr;"), (Apache, "RequestHeader unset X-Forwarded-For")],
    ),
    Finding::new(
        "remote-user-empty",
        Note,
        |request| Evidence::when(request.var("REMOTE_USER") == Some(b"")),
        "REMOTE_USER is empty: no user is logged in. An application that only checks whether the var exists takes it for a \
         login.",
        &[(Nginx, "uwsgi_param REMOTE_USER $remote_user if_not_empty;")],
    ),
];

/// The address that nginx sends if its client connected over a Unix socket.
const UNIX_PEER: &[u8] = b"unix:";
