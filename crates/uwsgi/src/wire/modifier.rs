//! The numbers of modifier1, and their meanings.

use core::fmt;

/// The first byte of a packet: the kind of the packet, or the handler of a request.
///
/// Every number is allowed on the wire. The constants are the numbers that have a meaning in uWSGI or in its documentation.
/// `--plugin N:name` moves a plugin to another number, so a name is the default meaning of its number.
///
/// ```
/// use uwsgi::{Modifier1, Standing};
///
/// assert_eq!(Modifier1::PING, Modifier1(100));
/// assert_eq!(Modifier1::PING.name(), Some("ping"));
/// assert_eq!(Modifier1::RELOAD.standing(), Standing::Documented); // no known server answers it
/// assert_eq!(Modifier1(77).name(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "one byte on the wire")]
pub struct Modifier1(pub u8);

/// Whether a server still answers a modifier1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// uWSGI 2.0 has a handler or a receiver for it.
    Answered,
    /// It is only documented or reserved: every known server closes the connection without an answer.
    Documented,
    /// It is never a request: uWSGI uses the number in answers, for configuration, or internally.
    Internal,
    /// It has no known meaning.
    Unassigned,
}

/// The form of a packet's payload.
///
/// The bytes alone do not tell the form: vars and an array with an even number of items look the same. The modifiers and the
/// direction do: [`Modifier1::payload_form`] is for what a client sends, [`Modifier1::answer_form`] for what a server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadForm {
    /// Items, each after its length.
    Array,
    /// No payload.
    None,
    /// Bytes with a meaning of their own.
    Raw,
    /// Pairs of a key and a value, each after its length.
    Vars,
}

/// A table of modifiers. A row has the constant, the number, the name, the standing and the meaning.
macro_rules! modifiers {
    ($($constant:ident $number:literal $name:literal $standing:ident $meaning:literal;)*) => {
        impl Modifier1 {
            $(
                #[doc = concat!($meaning, " (", stringify!($number), ", ", stringify!($standing), ").")]
                pub const $constant: Self = Self($number);
            )*

            /// All numbers that have a name, in order.
            pub const NAMED: &'static [Self] = &[$(Self($number)),*];

            /// Returns the short name of the number; `None` where it has no meaning.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some($name),)* _ => None }
            }

            /// Returns the meaning of the number in a few words; `None` where it has no meaning.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 { $($number => Some($meaning),)* _ => None }
            }

            /// Returns whether a server still answers the number.
            #[must_use]
            pub const fn standing(self) -> Standing {
                match self.0 { $($number => Standing::$standing,)* _ => Standing::Unassigned }
            }
        }
    };
}

// Sources: uWSGI 2.0.30, its master of 2025-09, and its Protocol.rst. The numbers of Documented rows were also sent to a
// server, which closed the connection.
modifiers! {
    WSGI 0 "wsgi" Answered "a request for a Python WSGI application, and the default of every front end";
    RESERVED_1 1 "reserved-1" Documented "reserved for Unbit; also the first byte of FastCGI";
    RESERVED_2 2 "reserved-2" Documented "reserved for Unbit";
    RESERVED_3 3 "reserved-3" Documented "reserved for Unbit";
    PSGI 5 "psgi" Answered "a request for a Perl PSGI application";
    LUA 6 "lua" Answered "a request for a Lua WSAPI application";
    RACK 7 "rack" Answered "a request for a Ruby Rack application";
    JVM 8 "jvm" Answered "a request for a JVM application: modifier2 0 JWSGI, 1 Ring, 2 servlet";
    CGI 9 "cgi" Answered "a request for a CGI script";
    ADMIN 10 "admin" Documented "management flags; no handler exists";
    GCCGO 11 "gccgo" Answered "a request for a Go application (gccgo plugin)";
    PHP 14 "php" Answered "a request for a PHP script";
    MONO 15 "mono" Answered "a request for an ASP.NET application (Mono)";
    SPOOLER 17 "spooler" Answered "a task for the spooler";
    SYMCALL 18 "symcall" Answered "a request for a C function";
    SSI 19 "ssi" Answered "a request for server-side includes";
    EVAL 22 "eval" Documented "code to evaluate; no handler exists; also the first byte of TLS";
    XSLT 23 "xslt" Answered "a request for an XSLT transformation";
    V8 24 "v8" Answered "a request for a JavaScript application (V8)";
    GRIDFS 25 "gridfs" Answered "a request for a file in GridFS";
    FASTFUNC 26 "fastfunc" Documented "fast functions; no handler exists; Protocol.rst says 27";
    GLUSTERFS 27 "glusterfs" Answered "a request for a file in GlusterFS; Protocol.rst says 26";
    RADOS 28 "rados" Answered "a request for an object in Rados";
    MANAGE_PATH_INFO 30 "wsgi-path" Answered "WSGI, with SCRIPT_NAME to be cut from PATH_INFO; the 24-bit size is documented only";
    MESSAGE 31 "message" Documented "a message; no handler exists";
    MESSAGE_ARRAY 32 "message-array" Documented "an array of messages; no handler exists";
    MESSAGE_MARSHAL 33 "message-marshal" Documented "a marshalled message; no handler exists";
    WEBDAV 35 "webdav" Answered "a request for WebDAV; the fork server uses the number too";
    SNMP 48 "snmp" Internal "an SNMP datagram on the UDP socket: the first byte of its BER encoding";
    HTTP 72 "http" Internal "not a packet: the H of an HTTP response";
    MULTICAST_ANNOUNCE 73 "multicast-announce" Documented "a multicast announcement; ignored by uWSGI";
    MULTICAST 74 "multicast" Documented "a multicast message; no handler exists";
    CLUSTER 95 "cluster" Documented "a cluster node's announcement; no handler exists";
    LOG 96 "log" Documented "a remote log line; uWSGI's UDP logger takes text without a header";
    BRUTAL_RELOAD 97 "brutal-reload" Documented "reload at once; no handler exists";
    RELOAD 98 "reload" Documented "reload gracefully; no handler exists";
    CONFIG 99 "config" Documented "a request for configuration; no handler exists";
    PING 100 "ping" Answered "ping, and with modifier2 1 its answer";
    ECHO 101 "echo" Answered "bytes to be sent back, without a header";
    LEGION 109 "legion" Answered "a legion member's encrypted announcement (UDP); datasize is the length before encryption";
    SIGNAL 110 "signal" Answered "a uWSGI signal; its number is modifier2";
    CACHE 111 "cache" Answered "a cache command, its answer, or a replicated change (UDP)";
    EMPEROR_CONFIG 115 "emperor-config" Internal "a vassal's configuration, from the emperor through a pipe";
    SPECIAL 123 "special" Internal "a setting inside uWSGI's routers (raw body); never on the wire";
    RPC 173 "rpc" Answered "a remote procedure call, and its answer";
    CLOSE 200 "close" Documented "close a persistent connection; no code sends or reads it";
    SUBSCRIPTION 224 "subscription" Answered "a backend's announcement to a router (UDP); modifier2 0 joins, any other leaves";
    EXAMPLE 250 "example" Answered "uWSGI's example and C++ plugins";
    RESPONSE 255 "response" Internal "the answer to a spooler task or a signal: modifier2 1 accepted, 0 refused";
}

impl Modifier1 {
    /// Whether a packet of this kind is a web request, whose vars are a CGI environment and whose answer is HTTP.
    ///
    /// Other packets (a signal, a call, a cache command) have payloads and answers of their own forms. A number without a known
    /// meaning is a request, because a front end chooses handlers with such numbers (nginx's `uwsgi_modifier1`).
    ///
    /// ```
    /// use uwsgi::Modifier1;
    ///
    /// assert!(Modifier1::PSGI.is_request(0));
    /// assert!(!Modifier1::CACHE.is_request(0));
    /// assert!(Modifier1::RPC.is_request(2)); // uWSGI 2.0, plugins/rpc: the call is in PATH_INFO
    /// ```
    #[must_use]
    pub const fn is_request(self, modifier2: u8) -> bool {
        match self {
            Self::RPC => matches!(modifier2, 2 | 3),
            Self::SPOOLER
            | Self::EVAL
            | Self::MESSAGE
            | Self::MESSAGE_ARRAY
            | Self::MESSAGE_MARSHAL
            | Self::SNMP
            | Self::MULTICAST_ANNOUNCE
            | Self::MULTICAST
            | Self::CLUSTER
            | Self::LOG
            | Self::BRUTAL_RELOAD
            | Self::RELOAD
            | Self::CONFIG
            | Self::PING
            | Self::ECHO
            | Self::LEGION
            | Self::SIGNAL
            | Self::CACHE
            | Self::EMPEROR_CONFIG
            | Self::CLOSE
            | Self::SUBSCRIPTION
            | Self::RESPONSE => false,
            _ => true,
        }
    }

    /// Returns the form of the payload of a request with these modifiers.
    ///
    /// The payload of an answer has another form: see [`answer_form`](Self::answer_form).
    ///
    /// ```
    /// use uwsgi::{Modifier1, PayloadForm};
    ///
    /// assert_eq!(Modifier1::WSGI.payload_form(0, 355), PayloadForm::Vars);
    /// assert_eq!(Modifier1::RPC.payload_form(0, 14), PayloadForm::Array);
    /// assert_eq!(Modifier1::RPC.payload_form(2, 30), PayloadForm::Vars); // the call is in PATH_INFO
    /// assert_eq!(Modifier1::CACHE.payload_form(17, 19), PayloadForm::Vars);
    /// assert_eq!(Modifier1::SIGNAL.payload_form(17, 0), PayloadForm::None);
    /// ```
    #[must_use]
    pub const fn payload_form(self, modifier2: u8, datasize: u16) -> PayloadForm {
        if datasize == 0 {
            return PayloadForm::None;
        }
        match (self, modifier2) {
            // plugins/rpc: 2 is an HTTP request with the call in PATH_INFO, and 3 is one with XML-RPC in its body. Any other is
            // a call.
            (Self::RPC, 2 | 3) | (Self::CACHE, 3 | 4 | 17) => PayloadForm::Vars,
            // plugins/cache: 1 sets, 10 and 11 replicate (UDP).
            (Self::RPC, _) | (Self::CACHE, 1 | 10 | 11) => PayloadForm::Array,
            // plugins/ping: the answer may carry a warning text.
            (Self::PING, 1)
            | (
                Self::CACHE
                | Self::ECHO
                | Self::LEGION
                | Self::EMPEROR_CONFIG
                | Self::EVAL
                | Self::LOG
                | Self::MULTICAST
                | Self::MULTICAST_ANNOUNCE,
                _,
            ) => PayloadForm::Raw,
            _ => PayloadForm::Vars,
        }
    }

    /// Returns the form of the payload of an answer with these modifiers.
    ///
    /// A call and its answer may have the same modifiers and different forms: an RPC call (173, 0) is an array, and its answer
    /// is raw. The answer to a web request is HTTP and not a packet, so this function does not apply to it.
    ///
    /// ```
    /// use uwsgi::{Modifier1, PayloadForm};
    ///
    /// assert_eq!(Modifier1::RPC.answer_form(0, 14), PayloadForm::Raw); // the result
    /// assert_eq!(Modifier1::RPC.answer_form(5, 24), PayloadForm::Vars); // the length of the result, which follows
    /// assert_eq!(Modifier1::CACHE.answer_form(17, 12), PayloadForm::Vars);
    /// assert_eq!(Modifier1::PING.answer_form(1, 4), PayloadForm::Raw); // a warning
    /// assert_eq!(Modifier1::RESPONSE.answer_form(1, 0), PayloadForm::None);
    /// ```
    #[must_use]
    pub const fn answer_form(self, modifier2: u8, datasize: u16) -> PayloadForm {
        if datasize == 0 {
            return PayloadForm::None;
        }
        match (self, modifier2) {
            // plugins/rpc: with 5 the result follows the packet. plugins/cache: 17 answers a command, 7 begins a dump.
            // core/fork_server.c: the answer has the key pid. Protocol.rst: the answer to CONFIG is vars.
            (Self::RPC, 5) | (Self::CACHE, 7 | 17) | (Self::WEBDAV | Self::CONFIG, _) => PayloadForm::Vars,
            _ => PayloadForm::Raw,
        }
    }
}

impl fmt::Debug for Modifier1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Modifier1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
