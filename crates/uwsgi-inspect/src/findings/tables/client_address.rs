//! Who the client is.

use core::net::SocketAddr;

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::findings::finding::Severity::{Note, Warning};
use crate::findings::inspected_request::{is_private, zone};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "remote-addr-with-port",
        Warning,
        |request| {
            let address: SocketAddr = request.ascii("REMOTE_ADDR")?.parse().ok()?;
            Some(Evidence::one(address))
        },
        "REMOTE_ADDR is {0}: the port is in it, as Caddy's uwsgi transport sends it. Lists of addresses do not match it.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "remote-addr-is-no-address",
        Warning,
        |request| {
            let text = request.non_empty("REMOTE_ADDR").filter(|text| *text != UNIX)?;
            let is_address = match request.remote_ip() {
                Some(address) => !address.is_unspecified(),
                None => request.ascii("REMOTE_ADDR").is_some_and(|text| text.parse::<SocketAddr>().is_ok()),
            };
            (!is_address).then(|| Evidence::one(Excerpt(text)))
        },
        "REMOTE_ADDR is {0}, which is no client's address: rules and logs of the application do not know who asks. A line of \
         the front end's configuration has put something else there.",
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
            (request.var("REMOTE_ADDR")? == UNIX).then(|| Evidence::one(proxy))
        },
        "REMOTE_ADDR is unix: because a proxy asked nginx over a Unix socket. The proxy has to add the client's address to \
         X-Forwarded-For, at the end; nginx then puts the last address of that header into its place.",
        &[(Nginx, "set_real_ip_from unix:;\nreal_ip_header X-Forwarded-For;{0}")],
    ),
    Finding::new(
        "remote-addr-with-zone",
        Note,
        |request| {
            let (address, zone) = zone(request.ascii("REMOTE_ADDR")?)?;
            Some(Evidence::two(address, Excerpt(zone.as_bytes())))
        },
        "REMOTE_ADDR is {0} with the zone {1} (RFC 4007): a link-local client, and the network interface of the front end that \
         it came through. Apache writes it so. Lists of addresses do not match it, and some programs cannot read it.",
        &[],
    ),
    Finding::new(
        "forwarded-for-unread",
        Note,
        |request| {
            let proxy = request.remote_ip().filter(is_private)?;
            let client =
                request.non_empty("HTTP_X_FORWARDED_FOR").filter(|client| Some(*client) != request.var("REMOTE_ADDR"))?;
            Some(Evidence::two(proxy, Excerpt(client)))
        },
        "REMOTE_ADDR is {0}, and HTTP_X_FORWARDED_FOR says {1}: if {0} is your proxy and adds the client's address at the end \
         of that header, the front end can put the client in its place. What stands before the last address is what the client \
         wrote.",
        &[
            (Nginx, "set_real_ip_from {0};\nreal_ip_header X-Forwarded-For;"),
            // Without a list of proxies mod_remoteip believes everybody, and takes the first address of the header.
            (Apache, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy {0}"),
            (Lighttpd, "server.modules += ( \"mod_extforward\" )\nextforward.forwarder = ( \"{0}\" => \"trust\" )"),
        ],
    ),
    Finding::new(
        "forwarded-for-from-client",
        Note,
        |request| {
            let client = request.remote_ip().filter(|address| !is_private(address))?;
            let said = request.non_empty("HTTP_X_FORWARDED_FOR")?;
            (said != request.var("REMOTE_ADDR")?).then(|| Evidence::two(client, Excerpt(said)))
        },
        "HTTP_X_FORWARDED_FOR is {1} and came with a request from {0}: unless {0} is your proxy, the client wrote it.",
        &[(Nginx, "uwsgi_param HTTP_X_FORWARDED_FOR $remote_addr;"), (Apache, "RequestHeader unset X-Forwarded-For")],
    ),
    Finding::new(
        "remote-user-empty",
        Note,
        |request| Evidence::when(request.var("REMOTE_USER") == Some(b"")),
        "REMOTE_USER is empty: nobody logged in. An application that only asks whether the var is there takes it for a login.",
        &[(Nginx, "uwsgi_param REMOTE_USER $remote_user if_not_empty;")],
    ),
];

/// What nginx sends for a client that came over a Unix socket.
const UNIX: &[u8] = b"unix:";
