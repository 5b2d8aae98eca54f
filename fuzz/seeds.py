#!/usr/bin/env python3
"""Writes seeds/TARGET/NAME: captured packets, one of each shape, and malformed packets made by hand.

The script keeps files with names that begin with `found-`: a fuzzer found these inputs, and they reach new code or once
failed. It replaces all other files in seeds/.
"""

from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "tests" / "vectors"

REQUESTS = """
    nginx/get nginx/get-browser nginx/headers-duplicate nginx/params-bare nginx/post-10
    apache/header-cgi-clash apache-mod_Ruwsgi/post-10
    lighttpd/post-chunked
    uwsgi-http/chunked-input uwsgi-http/length-plus uwsgi-http/length-twice uwsgi-http/path-nul
    uwsgi-tools/curl-post
""".split()

MESSAGES = """
    uwsgi-client/cache-clear uwsgi-client/cache-get uwsgi-client/cache-set uwsgi-client/cache-udp-del
    uwsgi-client/cache-udp-set uwsgi-client/legion uwsgi-client/ping uwsgi-client/raw-cache-set
    uwsgi-client/raw-rpc-raw uwsgi-client/rpc-empty-arg uwsgi-client/rpc-two-args
    uwsgi-client/signal-17 uwsgi-client/spool-at uwsgi-client/spool-priority
    uwsgi-client/subscribe-signed-leave uwsgi-client/subscribe2-join
    uwsgi-reply/cache-get uwsgi-reply/ping uwsgi-reply/rpc-two-args
""".split()

# Payloads of vars that are malformed or nearly so.
PAYLOADS = {
    "empty": "",
    "one-byte": "01",
    "two-bytes": "0100",
    "key-empty": "0000 0000",
    "key-empty-after-a-pair": "0100 41 0000 0000 0000",
    "key-overrun": "0500 4142",
    "key-overrun-then-a-pair": "0e00 524551554553545f4d4554484f44 0300 474554 ffff 0100 41 0100 42",
    "key-to-the-end": "0200 4142",
    "value-length-half": "0100 41 01",
    "value-overrun": "0100 41 0200 42",
    "value-overrun-by-a-lot": "0100 41 ffff 42",
    "value-empty-at-the-end": "0100 41 0000",
    "trailing-byte": "0100 41 0100 42 00",
    "trailing-bytes": "0100 41 0100 42 0000",
    "duplicates": "0100 41 0100 31 0100 41 0100 32",
    "nul-inside": "0300 410042 0200 3100",
    "length-swapped": "0001 41 0001 42",
    "array-empty-item-last": "0500 68656c6c6f 0100 61 0000",
    "array-empty-item-inside": "0500 68656c6c6f 0000 0200 6262",
    "array-overrun": "0500 68656c6c6f 0900 6262",
}

# A payload, and the limits that the target `vars` reads before it.
LIMITED = {
    "limit-vars-1": ("02 0100", "0100 41 0100 31 0100 42 0100 32"),
    "limit-vars-0": ("02 0000", "0100 41 0100 31"),
    "limit-key-1": ("04 0100", "0100 41 0100 31 0200 4242 0100 32"),
    "limit-value-1": ("08 0100", "0100 41 0100 31 0100 42 0200 3232"),
    "limit-key-against-value-overrun": ("04 0000", "0100 41 0900 31"),
    "limits-and-empty-keys": ("1e 0200 0100 0100", "0000 0000 0100 41 0100 42"),
}

# REQUEST_URI, SCRIPT_NAME, PATH_INFO and QUERY_STRING of requests; None is absent.
TARGETS = {
    "absolute": (b"http://a:8000/b%2Fc?d", None, b"/b/c", b"d"),
    "absolute-twice": (b"HTTPS://a/b", b"", b"HTTPS://a/b", b""),
    "absolute-no-path": (b"http://a?b", None, b"/", None),
    "asterisk": (b"*", None, b"*", b""),
    "asterisk-without-its-slash": (b"/a/*", None, b"*", b""),
    "authority": (b"a:443", None, None, None),
    "control-bytes": (b"/a%0Ab", None, b"/a\nb", b"u=/a\nb\0 \x7f\"<>#"),
    "empty": (b"", b"", b"", b""),
    "fragment": (b"/a#b?c", None, b"/a#b", b"c"),
    "kept": (b"/a%2fb%3F?c", None, b"/a/b?", b"c"),
    "mount": (b"/%73hop/a%2Fb?c=d", b"/shop", b"/a/b", b"c=d"),
    "mount-alone": (b"/shop", b"/shop", b"", b""),
    "mount-and-a-slash": (b"/shop/", b"/shop/", b"", b""),
    "mount-encoded-slash": (b"/shop%2Fa", b"/shop", b"/a", b""),
    "mount-is-not-a-segment": (b"/apple", b"/app", b"le", b""),
    "mount-without-a-path": (b"/page?a", b"/page", None, b"a"),
    "no-path": (b"/a//../b?c", None, None, None),
    "no-slash": (b"/shop/a%25", None, b"a%", b""),
    "not-utf-8": (b"/\xe9%e9", None, b"/\xe9\xe9", b"\xff"),
    "percent-bad": (b"/a%zz%", None, b"/a%zz%", b"%"),
    "query-of-the-uri": (b"/a?b?c", None, b"/a", None),
    "query-removed": (b"/a?b", None, b"/a", b""),
    "query-set": (b"/a?b", None, b"/a", b"c"),
    "rewritten": (b"/old?a", None, b"/new", b"a"),
    "tidied": (b"/a//b/../c%2Fd", None, b"/a/c/d", b""),
}

# The first bytes of other protocols.
FOREIGN = {
    "foreign-http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "foreign-http-response": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "foreign-http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "foreign-proxy-1": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
    "foreign-proxy-2": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    "foreign-tls": bytes.fromhex("16 0301 0005 01 000001 00"),
    "foreign-fastcgi": bytes.fromhex("01 01 0001 0008 0000 0001 000000000000"),
}


def packet(modifier1: int, modifier2: int, payload: bytes, excess: int = 0) -> bytes:
    return bytes([modifier1]) + (len(payload) + excess).to_bytes(2, "little") + bytes([modifier2]) + payload


def vars_payload(*pairs: tuple[bytes, bytes]) -> bytes:
    return b"".join(len(s).to_bytes(2, "little") + s for pair in pairs for s in pair)


def array(*items: bytes) -> bytes:
    return b"".join(len(item).to_bytes(2, "little") + item for item in items)


def capture(name: str) -> bytes:
    return (VECTORS / f"{name}.bin").read_bytes()


def payload(name: str) -> bytes:
    """The payload of a capture's first packet."""
    data = capture(name)
    return data[4 : 4 + int.from_bytes(data[1:3], "little")]


def captures(names: list[str]) -> dict[str, bytes]:
    return {name.replace("/", "-"): capture(name) for name in names}


def packets() -> dict[str, bytes]:
    return {
        **captures(["nginx/post-10", "uwsgi-client/legion", "uwsgi-client/rpc-two-args", "uwsgi-reply/ping"]),
        **captures(["uwsgi-tools/curl-get"]),
        **FOREIGN,
        "empty": b"",
        "header-cut": bytes.fromhex("000100"),
        "header-alone": bytes.fromhex("00ffff00"),
        "payload-empty": bytes(4),
        "payload-cut": packet(0, 0, vars_payload((b"A", b"B")), excess=1),
        "payload-malformed": packet(0, 0, bytes.fromhex("0500 4142")),
        "array-malformed": packet(173, 0, bytes.fromhex("0500 4142")),
    }


def payloads() -> dict[str, bytes]:
    wire = bytes(1)
    shown = ["nginx/headers-duplicate", "apache/header-cgi-clash", "uwsgi-client/subscribe2-join"]
    return {
        **{name: wire + bytes.fromhex(text) for name, text in PAYLOADS.items()},
        **{name: bytes.fromhex(limits + text) for name, (limits, text) in LIMITED.items()},
        **{name.replace("/", "-"): wire + payload(name) for name in shown},
    }


def streams() -> dict[str, bytes]:
    bytewise, sevens, uneven = bytes(1), bytes([1, 7]), bytes([4, 3, 1, 4, 200])
    two = capture("nginx/post-10") + capture("nginx/get")
    small = capture("uwsgi-client/ping") + capture("uwsgi-client/signal-17") + capture("uwsgi-client/rpc-two-args")
    return {
        "bytewise": bytewise + small,
        "bytewise-with-a-body": bytewise + two,
        "sevens": sevens + two,
        "uneven": uneven + two,
        "cut-in-a-header": uneven + small + b"\0\1",
        "cut-in-a-payload": sevens + two[:-5],
        "cut-in-a-body": bytes([1, 255]) + capture("nginx/post-10")[:-3],
        "malformed-then-another": sevens + packet(0, 0, b"\5\0AB") + capture("nginx/get"),
        "no-bytes": uneven,
    }


def requests() -> dict[str, bytes]:
    def vars_of(*pairs: tuple[bytes, bytes]) -> bytes:
        return packet(0, 0, vars_payload(*pairs))

    length = b"CONTENT_LENGTH"
    uri, mount, path, query = b"REQUEST_URI", b"SCRIPT_NAME", b"PATH_INFO", b"QUERY_STRING"
    return {
        **captures(REQUESTS),
        "check-control-bytes": vars_of((b"HTTP_X", b"a\r\nb"), (b"REQUEST_URI", b"/\0"), (b"PATH_INFO", b"/\n")),
        "check-methods": vars_of((b"REQUEST_METHOD", b"GET /"), (b"REQUEST_METHOD", b"")),
        "content-type-then-empty": vars_of((b"CONTENT_TYPE", b"ok"), (b"CONTENT_TYPE", b"")),
        "control-vars": vars_of(*(
            (b"UWSGI_" + name, b"http") for name in b"APPID CACHE_GET CALLABLE CHDIR FASTROUTER_KEY FILE HOME MODULE "
            b"POSTFILE PYHOME ROUTER SCHEME SCRIPT SETENV TOUCH_RELOAD NEW_IN_3".split()
        ), (b"UWSGI_", b"")),
        "header-names": vars_of(
            (b"HTTP_", b"1"), (b"HTTP_X-a_B", b"2"), (b"HTTP_\xe9\0", b"3"), (b"HTTP_CONTENT_LENGTH", b"9")
        ),
        "headers-hop-by-hop": vars_of(*(
            (b"HTTP_" + name, b"x") for name in b"CONNECTION EXPECT KEEP_ALIVE PROXY_AUTHENTICATE PROXY_AUTHORIZATION "
            b"PROXY_CONNECTION TE TRAILER TRANSFER_ENCODING UPGRADE".split()
        )),
        "headers-connection": vars_of(
            (b"HTTP_CONNECTION", b"x-user, close"), (b"HTTP_X_USER", b"a"), (b"HTTP_UPGRADE", b"h2c, websocket"),
        ),
        "headers-joined": vars_of(
            (b"HTTP_COOKIE", b"a=1"), (b"HTTP_COOKIE", b"b=2"), (b"HTTP_X", b"1"), (b"HTTP_X", b"1"), (b"HTTP_X", b""),
            (b"HTTP_X", b"2"), (b"HTTP_PROXY", b"a"), (b"HTTP_PROXY", b""),
        ),
        "headers-once": vars_of(
            (b"HTTP_HOST", b"a"), (b"HTTP_X-REAL-IP", b"1"), (b"HTTP_HOST", b""), (b"HTTP_X_REAL_IP", b"2"),
            (b"HTTP_UPGRADE", b"websocket"), (b"HTTP_UPGRADE", b""), (b"CONTENT_TYPE", b"a"), (b"CONTENT_TYPE", b"b"),
        ),
        "https-true": vars_of((b"HTTPS", b"TRUE"), (b"REQUEST_SCHEME", b"http")),
        "lengths-differ": vars_of((length, b"3"), (length, b"4")),
        "lengths-conflict": vars_of((length, b"3"), (length, b""), (length, b"+3"), (length, b"4")),
        "lengths-equal": vars_of((length, b"3"), (length, b"3"), (length, b"3")),
        "lengths-around-an-empty-one": vars_of((length, b"3"), (length, b""), (length, b"3")),
        "lengths-bad-then-good": vars_of((length, b"+3"), (length, b"4")),
        "lengths-removed": vars_of((b"REQUEST_METHOD", b"POST"), (length, b"77"), (length, b"")),
        "lengths-zeros": vars_of((length, b"3"), (length, b"03")),
        "length-largest": vars_of((length, b"18446744073709551615")),
        "length-overflow": vars_of((length, b"18446744073709551616"), (b"HTTP_TRANSFER_ENCODING", b"Chunked")),
        "ports-and-schemes": vars_of(
            (b"SERVER_PORT", b"00443"), (b"REMOTE_PORT", b"65536"), (b"HTTPS", b"off"), (b"REQUEST_SCHEME", b"HTTPS"),
            (b"wsgi.url_scheme", b"https"),
        ),
        **{f"target-{name}": vars_of(*(
            (key, value) for key, value in zip((uri, mount, path, query), values) if value is not None
        )) for name, values in TARGETS.items()},
    }


def messages() -> dict[str, bytes]:
    name = (b"key", b"a"), (b"address", b":1")
    return {
        **captures(MESSAGES),
        "cache-size-without": packet(111, 17, vars_payload((b"cmd", b"set"), (b"key", b"k"))),
        "cache-delete-of-two": packet(111, 11, array(b"k1", b"k2")),
        "cache-delete-padded": packet(111, 11, array(b"k1", b"")),
        "cache-update-of-four": packet(111, 10, array(b"k", b"v", b"0", b"")),
        "reply-odd": packet(255, 2, b""),
        "rpc-answer-sized": packet(173, 5, vars_payload((b"CONTENT_LENGTH", b"70000"))),
        "rpc-of-empty-items": packet(173, 0, array(b"", b"", b"f", b"", b"a")),
        "spool-priority-itself": packet(17, 0, vars_payload((b"priority", b"."))),
        "spool-priority-outside": packet(17, 0, vars_payload((b"priority", b"../x"), (b"at", b"1.5"))),
        "subscribe-key-too-long": packet(224, 0, vars_payload((b"key", b"k" * 256), (b"address", b":1"))),
        "subscribe-sign-inside": packet(224, 0, vars_payload(*name, (b"sign", b"s"), (b"unix", b"1"))),
        "subscribe-sign-twice": packet(224, 200, vars_payload(*name, (b"sign", b"s"), (b"sign", b"t"))),
        "subscribe-all": packet(224, 0, vars_payload(*name, *(
            (key, b"1") for key in b"modifier1 modifier2 cores load weight backup vassal sni_key sni_crt sni_ca proto "
            b"algo inactive notify clear unix sign".split()
        ))),
    }


# Heads of responses, and what may follow a head.
HEADS = {
    "status-line": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody",
    "status-line-1.0": b"HTTP/1.0 201 Created\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nbody",
    "status-line-2.0": b"HTTP/2.0 404 Not Found\r\nX: 1\r\n\r\n",
    "status-line-alone": b"HTTP/1.1 200\n\n",
    "cgi": b"Status: 404 Not Here\r\nX-A:\t1 \r\n\r\nbody",
    "cgi-twice": b"Status: 404\r\nStatus: 200 OK\r\n\r\n",
    "bare": b"Content-Type: text/plain\n\nbody",
    "bare-location": b"Location: /\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nbytes",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "chunked-cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nff\r\nbody",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nbody",
    "length-twice": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
    "length-short": b"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 9\r\n\r\nbody",
    "no-content": b"HTTP/1.1 204 No Content\r\n\r\nbody",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\n\r\n",
    "line-without-colon": b"HTTP/1.1 200 OK\r\nfoo bar\r\n\r\n",
    "first-line-splits": b"HT: 1\r\nHTTP: 2\r\n\r\n",
    "four-lines": b"A: 1\nB: 2\nC: 3\nD: 4\n\n",
    "cut": b"HTTP/1.1 200 OK\r\nA: b\r\n",
    "empty": b"\r\n",
}

CHUNKED = {
    "one": b"5\r\nhello\r\n0\r\n\r\nnext",
    "none": b"0\r\n\r\n",
    "extension": b"5;a=b\r\nhello\r\n00 \r\n\r\n",
    "trailers": b"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    "hex": b"0000000A\r\n0123456789\r\n1f\r\n" + b"x" * 31 + b"\r\n0\r\n\r\n",
    "largest": b"ffffffffffffffff\r\nx",
    "seventeen-digits": b"00000000000000001\r\nx\r\n0\r\n\r\n",
    "bare-newline": b"5\nhello\n0\n\n",
    "size-lies": b"4\r\nhello\r\n0\r\n\r\n",
    "no-size": b";a\r\n",
}

# Responses with interesting bodies.
BODIES = {
    **{f"body-chunked-{name}": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
       for name, body in CHUNKED.items()},
    "body-and-what-follows": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\n",
    "body-up-to-the-close": b"Content-Type: text/plain\r\n\r\n" + b"line\n" * 300,
    "body-of-no-bytes": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "body-not-modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n",
    "body-longer-than-memory": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nx",
    "interims": b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + b"Status: 500\r\nContent-Length: 1\r\n\r\n!",
    "interims-and-no-more": b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
}


def prefixed(seeds: dict[str, bytes], *first: bytes) -> dict[str, bytes]:
    """Puts one of `first` before each seed, in turn: these bytes choose sizes and rules."""
    return {name: first[place % len(first)] + data for place, (name, data) in enumerate(seeds.items())}


def connections() -> dict[str, bytes]:
    def post(length: str, *pairs: tuple[bytes, bytes]) -> bytes:
        return packet(0, 0, vars_payload((b"REQUEST_METHOD", b"POST"), (b"CONTENT_LENGTH", length.encode()), *pairs))

    raw = packet(0, 0, vars_payload((b"HTTP_TRANSFER_ENCODING", b"chunked")))
    head = packet(0, 0, vars_payload((b"REQUEST_METHOD", b"HEAD"), (b"CONTENT_LENGTH", b"0")))
    return {
        "one": b"\x00" + post("5") + b"hello",
        "one-and-what-follows": b"\x01\x07" + post("5") + b"hello" + post("0"),
        "two": b"\x11\x07" + post("5") + b"hello" + post("0"),
        "two-after-head": b"\x90" + head + head,
        "two-after-no-length": b"\x10" + raw + post("0"),
        "chunked": b"\x31\x03" + raw + CHUNKED["one"],
        "chunked-over": b"\x72\x03\x11" + raw + CHUNKED["hex"],
        "chunked-bad": b"\x30" + raw + CHUNKED["bare-newline"],
        "cut-in-the-body": b"\x00" + post("5") + b"hell",
        "cut-in-the-payload": b"\x00" + post("5")[:-3],
        "over-the-limit": b"\x40" + post("17"),
        "ping": b"\x00" + packet(100, 0, b""),
        "ping-accepted": b"\x80" + packet(100, 0, b""),
        "lengths-differ": b"\x00" + post("5", (b"CONTENT_LENGTH", b"6")),
        "lengths-removed": b"\x00" + post("77", (b"CONTENT_LENGTH", b"0")),
        "two-after-equal-lengths": b"\x11\x07" + post("5", (b"CONTENT_LENGTH", b"5")) + b"hello" + post("0"),
        "two-after-lengths-that-differ": b"\x10" + post("5", (b"CONTENT_LENGTH", b"05")) + b"hello" + post("0"),
        "no-method": b"\x00" + packet(0, 0, vars_payload((b"REQUEST_METHOD", b"GET /"))),
        "foreign": b"\x01\x01" + FOREIGN["foreign-http"],
        "other-modifier": b"\x00" + packet(5, 0, vars_payload((b"A", b"B"))),
        "nginx-post-10": b"\x12\x05\xff" + capture("nginx/post-10"),
    }


def server_streams() -> dict[str, bytes]:
    """What a server receives, what its application does, and what else happens."""
    read, to_end, large, look, head, length, write, nothing, flush, echo, much, fail = range(12)
    keep, chunked, small, messages, reads_on, writes_on = 1, 2, 4, 8, 16, 32
    reset, stop, stall, open_end, late, early = 1, 2, 4, 8, 16, 32

    def request(method: str, size: int | None = None, *pairs: tuple[bytes, bytes]) -> bytes:
        said = [] if size is None else [(b"CONTENT_LENGTH", str(size).encode())]
        vars = [(b"REQUEST_METHOD", method.encode()), (b"PATH_INFO", b"/"), *said, *pairs]
        return packet(0, 0, vars_payload(*vars))

    def seed(stream: bytes, *acts: int, flags: int = 0, sizes: bytes = b"", happens: tuple[int, ...] = (0, 0, 0)) -> bytes:
        return bytes([flags, len(acts) // 2 | len(sizes) << 4, *happens, *acts]) + sizes + stream

    hello, got = request("POST", 5) + b"hello", request("GET")
    raw = request("POST", None, (b"HTTP_TRANSFER_ENCODING", b"chunked"))
    call = packet(173, 0, vars_payload((b"a", b"b")))
    return {
        "echo": seed(hello, length, 5, echo, 5, sizes=b"\3\0\1"),
        "echo-kept-twice": seed(hello + hello, length, 5, echo, 5, flags=keep, sizes=b"\7"),
        "kept-unread": seed(hello + hello, read, 3, length, 2, write, 2, flags=keep),
        "kept-after-a-look": seed(hello + request("GET", 0), look, 0, length, 0, flags=keep, sizes=b"\0\x09"),
        "kept-then-ping": seed(request("GET", 0) + b"\x64\0\0\0", length, 1, write, 1, flags=keep),
        "kept-then-nonsense": seed(request("HEAD", 0) + FOREIGN["foreign-http"], length, 1, write, 1, flags=keep),
        "read-large": seed(request("POST", 600) + b"x" * 600, large, 0, head, 0, much, 50, sizes=b"\xff\0"),
        "cut-in-the-body": seed(request("POST", 9) + b"hello", to_end, 3, length, 1, write, 1, sizes=b"\2"),
        "cut-and-answered": seed(request("POST", 9) + b"hello", to_end, 3, length, 1, write, 1, flags=reads_on),
        "cut-in-the-payload": seed(got[:20], length, 0, sizes=b"\1"),
        "head-twice": seed(got, length, 9, nothing, 0, head, 1, write, 3, length, 1, write, 2, flags=writes_on),
        "too-long": seed(got, length, 3, write, 2, write, 2, write, 1, flags=writes_on),
        "too-short": seed(got, length, 30, write, 2),
        "too-short-by-all": seed(got, length, 30),
        "no-head": seed(got, write, 2),
        "no-such-line": seed(got, head, 8, write, 2),
        "fails": seed(got, fail, 0),
        "fails-halfway": seed(got, length, 9, write, 3, fail, 0),
        "no-content": seed(got, head, 2, write, 3, flags=keep),
        "to-head": seed(request("HEAD"), length, 3, write, 3),
        "upgrade": seed(request("POST", 3) + b"hello", read, 1, head, 4, flush, 0, echo, 9, sizes=b"\1"),
        "chunked": seed(raw + CHUNKED["one"], length, 5, echo, 20, flags=chunked, sizes=b"\4\0"),
        "chunked-bad": seed(raw + CHUNKED["bare-newline"], length, 5, echo, 20, flags=chunked),
        "chunked-upgrade": seed(
            raw + CHUNKED["one"], read, 2, head, 4, flush, 0, echo, 20, flags=chunked, sizes=b"\3"
        ),
        "signal": seed(b"\x6e\0\0\x11", write, 4, flags=messages),
        "call": seed(call + b"more", echo, 4, fail, 0, flags=messages),
        "call-not-accepted": seed(call, echo, 4),
        "ping": seed(b"\x64\1\0\0x"),
        "datasize-0": seed(bytes(4)),
        "foreign": seed(FOREIGN["foreign-http"]),
        "over-the-limit": seed(request("POST", 65) + b"x" * 65, echo, 65, flags=small),
        "reset": seed(hello, length, 5, echo, 5, sizes=b"\1\0", happens=(reset, 20, 20)),
        "stop": seed(hello, length, 5, echo, 5, flags=keep, sizes=b"\1", happens=(stop | open_end, 150, 60)),
        "stall": seed(hello, head, 0, much, 90, echo, 5, sizes=b"\x28\0", happens=(stall | stop, 20, 20)),
        "silence": seed(hello[:-2], head, 0, echo, 5, sizes=b"\x14", happens=(open_end | late, 200, 10)),
        "late": seed(hello, head, 0, echo, 5, sizes=b"\x09", happens=(late | early, 255, 100)),
        "nginx-post-10": seed(capture("nginx/post-10"), length, 10, echo, 10, sizes=b"\5\xff"),
    }


def two_servers() -> dict[str, bytes]:
    """What both servers receive, the application of both, and what else happens."""
    (read, unread, twice, error, first, open_end, empty, missing, none, cached, not_found, pieces, again, late_head,
     no_head, nothing, fails, fails_with_head, fails_halfway, short, long) = range(21)
    keep, chunked, small, others = 1, 2, 4, 8
    reset, stop, stall, silence = 1, 2, 4, 8

    def request(method: str, size: int | None = None, *pairs: tuple[bytes, bytes]) -> bytes:
        said = [] if size is None else [(b"CONTENT_LENGTH", str(size).encode())]
        vars = [(b"REQUEST_METHOD", method.encode()), (b"PATH_INFO", b"/"), *said, *pairs]
        return packet(0, 0, vars_payload(*vars))

    def seed(
        stream: bytes, app: int, flags: int = 0, sizes: bytes = b"", early: bool = False,
        happens: tuple[int, ...] = (0, 0, 0),
    ) -> bytes:
        return bytes([flags, app, len(sizes) | early << 4, *happens]) + sizes + stream

    hello, got = request("POST", 5) + b"hello", request("GET")
    raw = request("POST", None, (b"HTTP_TRANSFER_ENCODING", b"chunked"))
    kept = request("GET", 0)
    return {
        "echo": seed(hello, read, sizes=b"\3\0\1"),
        "kept-twice": seed(hello + hello, read, flags=keep, sizes=b"\7", early=True),
        "kept-unread": seed(hello + hello, unread, flags=keep),
        "kept-open-ended": seed(kept + kept, open_end, flags=keep),
        "kept-then-silence": seed(kept, read, flags=keep, happens=(silence, 0, 0)),
        "kept-then-ping": seed(kept + b"\x64\0\0\0", read, flags=keep),
        "kept-stopped": seed(kept + kept, read, flags=keep, sizes=b"\x14", happens=(stop, 90, 60)),
        "read-twice": seed(hello + b"more", twice, sizes=b"\2"),
        "cut-in-the-body": seed(request("POST", 9) + b"hello", read, sizes=b"\2"),
        "cut-and-answered": seed(request("POST", 9) + b"hello", error),
        "cut-after-the-head": seed(request("POST", 9) + b"hello", first),
        "cut-in-the-payload": seed(got[:20], read, sizes=b"\1"),
        "slow-body": seed(request("POST", 90) + b"x" * 90, read, sizes=b"\1", happens=(0, 0, 200)),
        "silent-body": seed(request("POST", 90) + b"x", error, happens=(silence, 0, 0)),
        "slow-head": seed(got, read, sizes=b"\1", happens=(0, 0, 90)),
        "silent-head": seed(got[:9], read, happens=(silence, 0, 0)),
        "silence": seed(b"", read, happens=(silence, 0, 0)),
        "first": seed(hello, first, sizes=b"\1", happens=(0, 0, 70)),
        "empty": seed(got, empty),
        "missing": seed(kept + got, missing, flags=keep),
        "no-content": seed(kept + got, none, flags=keep),
        "cached": seed(got, cached),
        "not-found": seed(got, not_found),
        "pieces": seed(got, pieces, sizes=b"\1\0"),
        "head-again": seed(got, again),
        "head-too-late": seed(got, late_head),
        "no-head": seed(got, no_head),
        "nothing": seed(got, nothing),
        "fails": seed(hello, fails),
        "fails-with-a-head": seed(got, fails_with_head),
        "fails-halfway": seed(hello, fails_halfway),
        "short": seed(kept + got, short, flags=keep),
        "long": seed(kept + got, long, flags=keep),
        "to-head": seed(request("HEAD", 0) + got, read, flags=keep),
        "no-value-of-http": seed(request("GET", 0, (b"HTTP_X", b"a\1b")), read, flags=keep),
        "no-target-of-http": seed(request("HEAD", 0, (b"REQUEST_URI", b"/a b")), read),
        "chunked": seed(raw + CHUNKED["one"], read, flags=chunked, sizes=b"\4\0"),
        "chunked-bad": seed(raw + CHUNKED["bare-newline"], error, flags=chunked),
        "other-kind": seed(packet(5, 1, vars_payload((b"REQUEST_METHOD", b"GET"))), read, flags=others),
        "signal": seed(b"\x6e\0\0\x11", read, flags=others),
        "ping": seed(b"\x64\1\0\0x", read),
        "datasize-0": seed(bytes(4), read),
        "foreign": seed(FOREIGN["foreign-http"], read),
        "over-the-limit": seed(request("POST", 65) + b"x" * 65, read, flags=small),
        "reset": seed(hello, read, sizes=b"\1\0", happens=(reset, 20, 20)),
        "stop": seed(hello, read, sizes=b"\1", happens=(stop | silence, 150, 60)),
        "stall": seed(hello, pieces, sizes=b"\x28\0", happens=(stall, 20, 20)),
        "stall-and-stop": seed(hello, pieces, sizes=b"\x28\0", happens=(stall | stop, 20, 20)),
        "nginx-post-10": seed(capture("nginx/post-10"), read, sizes=b"\5\xff"),
    }


def calls() -> dict[str, bytes]:
    """A machine and its settings, the calls in pairs of bytes, then what a peer sends."""
    receive, exchange, respond = 0, 2, 3
    eof, announced = 255, 0
    # Calls of the receiving machine.
    head, request, message, body, few, upgrade, unread, wait, pause, end = 0, 2, 3, 4, 6, 7, 8, 9, 10, 11
    # Calls of the client's machine.
    response, answer, send = 2, 3, 7
    # Calls of the sending machine.
    started, give, give_length, bytes_, flush, finished, failed, broken, time = 0, 1, 2, 3, 5, 6, 7, 8, 11

    def seed(machine: int, stream: bytes, *calls: tuple[int, int], flags: int = 0) -> bytes:
        return bytes([machine | flags << 2, len(calls)]) + bytes(byte for call in calls for byte in call) + stream

    post = packet(0, 0, vars_payload((b"REQUEST_METHOD", b"POST"), (b"CONTENT_LENGTH", b"5"))) + b"hello"
    hidden = packet(0, 0, vars_payload((b"CONTENT_LENGTH", b"30"))) + packet(0, 0, vars_payload((b"PATH_INFO", b"/admin")))
    raw = packet(0, 0, vars_payload((b"HTTP_TRANSFER_ENCODING", b"chunked"))) + CHUNKED["one"]
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n" + page
    return {
        "in-order": seed(receive, post + post, *[(head, eof), (request, announced), (body, eof), (body, eof), (end, 0)] * 2,
                         flags=2),
        "in-pieces": seed(receive, post, (head, 3), (head, 200), (request, announced), (few, 0x21), (few, 0x1f), (body, eof)),
        "head-in-a-body": seed(receive, hidden, (head, eof), (request, announced), (head, eof), (request, announced)),
        "empty-head-in-a-body": seed(receive, post, (head, 49), (request, announced), (head, 0), (head, eof)),
        "head-twice": seed(receive, post, (head, eof), (head, eof)),
        "request-twice": seed(receive, post, (head, eof), (request, announced), (request, announced)),
        "request-of-other-bytes": seed(receive, post, (head, eof), (request, 17)),
        "request-first": seed(receive, post, (request, 54)),
        "body-first": seed(receive, post, (body, eof), (head, eof)),
        "body-before-the-request": seed(receive, post, (head, eof), (body, eof)),
        "message": seed(receive, packet(17, 0, vars_payload((b"A", b"B"))) + b"body", (head, eof), (message, announced), (body, eof),
                        (upgrade, 0), (body, eof)),
        "message-as-a-request": seed(receive, packet(17, 0, vars_payload((b"A", b"B"))), (head, eof), (request, announced)),
        "ping-and-on": seed(receive, packet(100, 0, b"") + post, (head, eof), (head, eof)),
        "upgrade": seed(receive, post, (head, eof), (request, announced), (upgrade, 0), (body, eof), (body, eof)),
        "upgrade-first": seed(receive, post, (upgrade, 0), (body, eof)),
        "chunked": seed(receive, raw, (head, eof), (request, announced), *[(body, eof)] * 4, (end, 0), flags=3),
        "unread": seed(receive, post + post, (head, eof), (request, announced), (body, eof), (unread, 2), (end, 0), (head, eof),
                       flags=2),
        "stop": seed(receive, post, (head, 9), (pause, 201), (wait, 200), (head, 0), (end, 0), flags=4),
        "close-and-on": seed(receive, post, (wait, 200), (head, 0), (head, eof)),
        "answer-in-order": seed(exchange, hints, (answer, eof), (head, eof), (response, announced), (body, eof), (body, eof)),
        "answer-in-a-body": seed(exchange, page, (answer, eof), (answer, eof)),
        "head-in-an-answer": seed(exchange, page, (head, eof), (response, announced), (head, eof)),
        "head-of-an-answer-twice": seed(exchange, page, (head, eof), (head, eof)),
        "response-of-other-bytes": seed(exchange, page, (head, eof), (response, 7)),
        "body-of-no-answer": seed(exchange, page, (body, eof), (answer, eof)),
        "send": seed(exchange, b"HTTP/1.1 413 x\r\n\r\n", (send, 200), (answer, eof), (send, 200)),
        "respond-in-order": seed(respond, b"", (started, 0), (give_length, 10), (bytes_, 4), (bytes_, 6), (finished, 0)),
        "respond-too-long": seed(respond, b"", (give_length, 10), (bytes_, 40), (bytes_, 1), (finished, 0), (finished, 0)),
        "respond-too-short": seed(respond, b"", (give_length, 10), (bytes_, 4), (finished, 0), (bytes_, 6), (time, 0)),
        "respond-without-a-head": seed(respond, b"", (bytes_, 4), (finished, 0), (give, 0), (flush, 0), (give, 0)),
        "respond-fails-twice": seed(respond, b"", (give, 0), (failed, 0), (failed, 200), (give, 0), (bytes_, 1)),
        "respond-broken": seed(respond, b"", (give, 0), (broken, 255), (finished, 0), (failed, 0), (time, 0)),
        "respond-bare": seed(respond, b"", (give, 0), (bytes_, 4), (finished, 0), flags=4),
        "respond-to-head": seed(respond, b"", (give_length, 10), (finished, 0), flags=2),
    }


def heads_of_requests() -> dict[str, bytes]:
    """Settings of a gateway, the length of a body, and the lines of a head."""
    underscores, append, none, trusted, http_10, unix, trusted_header = 1, 2, 4, 8, 16, 32, 64

    def seed(*lines: bytes, settings: int = 0, length: int = 0) -> bytes:
        return bytes([settings, length]) + b"\n".join(lines)

    get, host = b"GET /a%20b/../c?d=%zz", b"Host: app.example:81"
    family = [
        b"Forwarded: for=1.1.1.1", b"X-Forwarded-For: 1.1.1.1, 198.51.100.7:80, 10.0.0.1", b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil", b"X-Real-IP: 1.1.1.1", b"Client-Cert: x", b"X-Request-Id: a-b",
    ]
    websocket = [b"Connection: keep-alive, Upgrade", b"Upgrade: h2c, WebSocket", b"Sec-WebSocket-Key: a=="]
    hops = [b"Connection: close, X-Hop, Host, X-Forwarded-For", b"X-Hop: 1", b"TE: x", b"Expect: 100-continue", b"Proxy: x"]
    return {
        "browser": seed(get, host, b"Accept: a", b"Accept: b", b"Cookie: a=1", b"Cookie: b=2", b"Referer: x", b"Referer: y"),
        "post": seed(b"POST /", host, b"Content-Type: a/b", b"Content-Length: 5", length=5),
        "chunked": seed(b"POST /", host, b"Transfer-Encoding: chunked", length=255),
        "chunked-twice": seed(b"POST /", host, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        "chunked-http-1.0": seed(b"POST /", host, b"Transfer-Encoding: chunked", settings=http_10),
        "lengths-differ": seed(b"POST /", host, b"Content-Length: 5", b"Content-Length: 6"),
        "hops": seed(get, host, *hops, *family),
        "family": seed(get, host, *family),
        "family-of-a-proxy": seed(get, host, *family, settings=trusted | trusted_header),
        "family-appended": seed(get, host, *family, family[1], settings=trusted | append),
        "family-of-a-unix-proxy": seed(get, host, *family, settings=trusted | unix | append),
        "family-of-no-interest": seed(get, host, *family, settings=trusted | none | trusted_header),
        "family-with-underscores": seed(
            get, host, *(line.replace(b"-", b"_", 1) for line in family), settings=trusted | underscores | trusted_header
        ),
        "family-unknown": seed(get, host, b"X-Forwarded-For: 1.1.1.1, unknown", settings=trusted),
        "underscores": seed(get, host, b"X_A: 1", b"Content_Length: 9", b"Transfer_Encoding: chunked", b"X-A: 2"),
        "underscores-allowed": seed(get, host, b"X_A: 1", b"Content_Length: 9", b"X_Hop_: 2", settings=underscores),
        "underscores-folded": seed(get, host, b"X_A: 1", b"X-A: 2", settings=underscores),
        "websocket": seed(b"GET /", host, *websocket),
        "websocket-with-a-body": seed(b"GET /", host, *websocket, b"Content-Length: 5"),
        "expect-unknown": seed(get, host, b"Expect: foo"),
        "host-none": seed(b"GET /"),
        "host-none-http-1.0": seed(b"GET /", settings=http_10 | unix),
        "host-two": seed(b"GET /", host, host),
        "host-wrong": seed(b"GET /", b"Host: a b"),
        "absolute": seed(b"GET http://[::1]:80?a", host),
        "absolute-http-1.0": seed(b"GET HTTPS://a/b", settings=http_10),
        "absolute-userinfo": seed(b"GET http://u@a/b", host),
        "asterisk": seed(b"OPTIONS *", host),
        "asterisk-get": seed(b"GET *", host),
        "authority": seed(b"GET a:80", host),
        "connect": seed(b"CONNECT a:80", host),
        "dots": seed(b"GET /a/./..//%2e%2e%2fb/...", host),
        "dots-above-the-root": seed(b"GET /a/%2e%2e/..", host),
        "nul": seed(b"GET /%00", host),
        "percent": seed(b"GET /%4", host),
        "latin-1": seed(b"GET /caf\xc3\xa9%e9", host, b"X-A: caf\xe9\t"),
    }


def structured() -> dict[str, bytes]:
    """Bytes that steer generators."""
    return {
        "zeros": bytes(64),
        "ones": b"\1" * 96,
        "rising": bytes(range(256)),
        "falling": bytes(range(255, -1, -1)),
    }


def gateways() -> dict[str, bytes]:
    """What clients send: after the settings and the answer of the backend, and the sizes of pieces."""
    host = b"Host: app.example\r\n"
    get, end = b"GET /a%20b?c HTTP/1.1\r\n" + host, b"\r\n"
    post = b"POST /p HTTP/1.1\r\n" + host
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    sent = {
        "get": get + end,
        "get-twice": (get + end) * 2,
        "get-close": get + b"Connection: close\r\n\r\n" + get + end,
        "old": b"GET / HTTP/1.0\r\n\r\n",
        "head": b"HEAD / HTTP/1.1\r\n" + host + end,
        "post": post + b"Content-Length: 5\r\n\r\nhello" + get + end,
        "post-expect": post + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        "post-short": post + b"Content-Length: 5\r\n\r\nhell",
        "post-long": post + b"Content-Length: 11\r\n\r\nhello world" + get + end,
        "chunked": chunked + b"5\r\nhello\r\n3;x=y\r\nfoo\r\n0\r\nT: r\r\n\r\n" + get + end,
        "chunked-bad": chunked + b"5\r\nhelloX\r\n0\r\n\r\n" + get + end,
        "chunked-and-length": post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get + end,
        "lengths-differ": post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "websocket": get + b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
        "connection-lists": get + b"Connection: X-Real-IP, Host, X-Hop\r\nX-Hop: 1\r\n\r\n",
        "underscores": get + b"Content_Length: 5\r\nX_Forwarded_For: 1\r\nProxy: x\r\n\r\n",
        "forwarded": get + b"Forwarded: for=1\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n",
        "absolute": b"GET http://other.example/x HTTP/1.1\r\n" + host + end,
        "options-star": b"OPTIONS * HTTP/1.1\r\n" + host + end,
        "dots": b"GET /a/%2e%2e/../b HTTP/1.1\r\n" + host + end,
        "preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "no-host": b"GET / HTTP/1.1\r\n\r\n",
        "bare-lf": b"GET / HTTP/1.1\nHost: app.example\n\n",
    }
    seeds = {f"{name}": b"\x00\x00" + data for name, data in sent.items()}
    for answer, name in enumerate(("post", "get-twice", "chunked", "head", "old", "get", "websocket", "get-twice")):
        flags = bytes([answer << 4 | answer % 8 & 3])
        seeds[f"{name}-pieces-{answer}"] = flags + b"\x03\x00\x07\x1f" + sent[name]
    seeds["post-long-limited"] = b"\x04\x01\x05" + sent["post-long"]
    return seeds


def main() -> None:
    targets = {
        "arbitrary": structured(),
        "calls": calls(),
        "chunked": prefixed(CHUNKED, b"\x00", b"\x01\x03"),
        "connection": connections(),
        "exchange": prefixed(HEADS, b"\x00", b"\x01\x07", b"\x22\x01\x20", b"\x10"),
        "gateway": gateways(),
        "http_to_vars": heads_of_requests(),
        "message": messages(),
        "packet": packets(),
        "request": requests(),
        "response_head": prefixed(HEADS, b"\x00", b"\x52\x05\x30", b"\x41\x07"),
        "response_reader": prefixed({**HEADS, **BODIES}, b"\x00", b"\x01\x07", b"\x22\x01\x20", b"\x10"),
        "roundtrip": {**structured(), **captures(["nginx/params-bare", "uwsgi-client/rpc-two-args"])},
        "server_stream": server_streams(),
        "split": streams(),
        "two_servers": two_servers(),
        "vars": payloads(),
    }
    for target, seeds in targets.items():
        directory = HERE / "seeds" / target
        directory.mkdir(parents=True, exist_ok=True)
        for old in directory.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
        for name, data in seeds.items():
            (directory / name).write_bytes(data)
    files = [path for path in (HERE / "seeds").rglob("*") if path.is_file()]
    print(f"{len(files)} seeds, {sum(path.stat().st_size for path in files)} bytes")


if __name__ == "__main__":
    main()
