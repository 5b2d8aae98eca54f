//! Who the client is.

use core::net::SocketAddr;

use crate::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::seen::{Shown, is_private, zone};

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
            let text = seen.filled("REMOTE_ADDR").filter(|text| *text != UNIX)?;
            let is_address = match seen.remote() {
                Some(address) => !address.is_unspecified(),
                None => seen.ascii("REMOTE_ADDR").is_some_and(|text| text.parse::<SocketAddr>().is_ok()),
            };
            (!is_address).then(|| Evidence::one(Shown(text)))
        },
        "REMOTE_ADDR is {0}, which is no client's address: rules and logs of the application do not know who asks. A line of \
         the front end's configuration has put something else there.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "remote-addr-is-unix",
        Warning,
        |seen| {
            let proxy = if seen.filled("HTTP_X_FORWARDED_FOR").is_some() {
                ""
            } else {
                "\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; # where the proxy has proxy_pass"
            };
            (seen.var("REMOTE_ADDR")? == UNIX).then(|| Evidence::one(proxy))
        },
        "REMOTE_ADDR is unix: because a proxy asked nginx over a Unix socket. The proxy has to add the client's address to \
         X-Forwarded-For, at the end; nginx then puts the last address of that header into its place.",
        &[(Nginx, "set_real_ip_from unix:;\nreal_ip_header X-Forwarded-For;{0}")],
    ),
    Finding::new(
        "remote-addr-with-zone",
        Note,
        |seen| {
            let (address, zone) = zone(seen.ascii("REMOTE_ADDR")?)?;
            Some(Evidence::two(address, Shown(zone.as_bytes())))
        },
        "REMOTE_ADDR is {0} with the zone {1} (RFC 4007): a link-local client, and the network interface of the front end that \
         it came through. Apache writes it so. Lists of addresses do not match it, and some programs cannot read it.",
        &[],
    ),
    Finding::new(
        "forwarded-for-unread",
        Note,
        |seen| {
            let proxy = seen.remote().filter(is_private)?;
            let client =
                seen.filled("HTTP_X_FORWARDED_FOR").filter(|client| Some(*client) != seen.var("REMOTE_ADDR"))?;
            Some(Evidence::two(proxy, Shown(client)))
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
        |seen| {
            let client = seen.remote().filter(|address| !is_private(address))?;
            let said = seen.filled("HTTP_X_FORWARDED_FOR")?;
            (said != seen.var("REMOTE_ADDR")?).then(|| Evidence::two(client, Shown(said)))
        },
        "HTTP_X_FORWARDED_FOR is {1} and came with a request from {0}: unless {0} is your proxy, the client wrote it.",
        &[(Nginx, "uwsgi_param HTTP_X_FORWARDED_FOR $remote_addr;"), (Apache, "RequestHeader unset X-Forwarded-For")],
    ),
    Finding::new(
        "remote-user-empty",
        Note,
        |seen| Evidence::when(seen.var("REMOTE_USER") == Some(b"")),
        "REMOTE_USER is empty: nobody logged in. An application that only asks whether the var is there takes it for a login.",
        &[(Nginx, "uwsgi_param REMOTE_USER $remote_user if_not_empty;")],
    ),
];

/// What nginx sends for a client that came over a Unix socket.
const UNIX: &[u8] = b"unix:";
