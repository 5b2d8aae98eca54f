"""The comparisons of the Python host with uWSGI, gunicorn and granian: one process a side."""

import http.client
import os
import pathlib
import statistics

import bodies
from figures import middle_of, quartiles
from processes import Program, Side, found

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = 16
HELLO = b"Hello, World!\n"
LABEL = {
    "ours": "uwsgi-wsgi",
    "abi3": "uwsgi-wsgi, feature `abi3`",
    "uwsgi": "uWSGI",
    "sync": "gunicorn sync",
    "gthread": "gunicorn gthread",
    "granian": "granian, `proxy_pass`, connections kept",
}
FLASK_HELLOS = 10_000
# nginx keeps the bodies in memory, so that the disk is not measured.
BUFFERS = "client_body_buffer_size 128k; uwsgi_buffers 32 4k;"
# The bounds: of requests per second at least, and of processor time and memory at most.
UNIX_SOCKET, NGINX, SYNC, GTHREAD, THREADS, FLASK, ANSWER, UPLOAD = 1.15, 1.03, 2.9, 5.5, 1.0, 0.98, 1.0, 1.0
PROCESSOR, MEMORY_UWSGI, MEMORY_GUNICORN = 0.85, 1.3, 0.9


def compare(bench):
    """Returns the lines of the tables. `bench` starts the programs, makes the load, and notes which bounds hold."""
    socket_lines, socket_ratios = over_unix_socket(bench)
    nginx_lines, nginx_ratios = behind_nginx(bench)
    memory_lines, memory_ratios = memory(bench)
    return [
        "### The Python host",
        "",
        "One process a side. The applications are the same on every side, and no side writes an access log.",
        "",
        *socket_lines,
        "",
        *nginx_lines,
        "",
        *memory_lines,
        "",
        "| ratio | median (quartiles) | bound | |",
        "|---|---:|---:|---|",
        *socket_ratios,
        *nginx_ratios,
        *memory_ratios,
    ]


def command(server, path, app="hello:application", threads=1):
    """Returns the command that serves an application of this directory at a Unix socket."""
    one, here = ["--threads", str(threads)], ["--chdir", str(HERE)]
    module, _, name = app.partition(":")
    gunicorn = ["--protocol", "uwsgi", "--workers", "1", "--backlog", "1024", *here, "--bind", f"unix:{path}", app]
    match server:
        case "ours" | "abi3":
            return [
                *found("uwsgi-wsgi-abi3" if server == "abi3" else "uwsgi-wsgi"),
                app,
                *here,
                *one,
                "--backlog",
                "1024",
                "--bind",
                f"unix:{path}",
            ]
        case "uwsgi":
            # With `--threads 1` uWSGI counts one thread more than without the option. Without it, there is one too.
            return [
                *found("uwsgi"),
                "--need-app",
                "--die-on-term",
                "--disable-logging",
                "--listen",
                "1024",
                *here,
                "--module",
                module,
                "--callable",
                name,
                *(one if threads > 1 else []),
                "--socket",
                path,
            ]
        case "sync":
            return [*found("gunicorn"), *gunicorn]
        case "gthread":
            return [*found("gunicorn"), "--worker-class", "gthread", "--threads", "4", *gunicorn]
        case "granian":
            return [
                *found("granian"),
                "--interface",
                "wsgi",
                "--workers",
                "1",
                "--blocking-threads",
                "1",
                "--no-ws",
                "--log-level",
                "warning",
                "--working-dir",
                str(HERE),
                "--uds",
                path,
                app,
            ]
    raise ValueError(server)


def over_unix_socket(bench):
    """Compares ours with uWSGI without a front end."""
    seconds, runs = (0.3, 5) if bench.options.quick else (1, bench.options.runs)
    paths = {side: bench.sock(f"direct-{side}") for side in ("ours", "uwsgi")}
    got = {side: [] for side in paths}
    programs = {}
    try:
        for side, path in paths.items():
            programs[side] = Program(f"direct-{side}", command(side, path), path, bench.run)
        for number in range(runs + 1):
            for side in sorted(paths, reverse=number % 2 == 0):
                run = bench.load(programs[side], paths[side], seconds)
                if number > 0:  # the first run warms up
                    got[side].append(run)
    finally:
        for program in programs.values():
            program.stop()
    lines = [
        f"Hello over a Unix socket: one connection per request, {CLIENTS} clients (`uwsgictl bench`), {runs} runs of "
        f"{seconds} s a side in turns, medians.",
        "",
        "| server | requests/s | p50 ms | p99 ms | server CPU, µs/request |",
        "|---|---:|---:|---:|---:|",
    ]
    for side, measured in got.items():
        cells = [middle_of(measured, key) for key in ("rate", "p50", "p99", "cpu")]
        lines.append("| {} | {:.0f} | {:.2f} | {:.2f} | {:.1f} |".format(LABEL[side], *cells))
    return lines, [
        ratio(
            bench, "requests/s, hello over a Unix socket, ours / uWSGI", got["ours"], got["uwsgi"], "rate", UNIX_SOCKET
        )
    ]


def behind_nginx(bench):
    """Compares ours with the others behind one nginx: hello, four threads, Flask, and bodies of 100 kB."""
    seconds, rounds = (1, 1) if bench.options.quick else (bench.options.seconds, bench.options.runs)
    size = str(bodies.SIZE).encode()
    post = ("-s", str(HERE / "upload.lua"))
    hello = ["ours", "uwsgi", "sync", "gthread"]
    if not bench.options.quick:
        # These sides have no bound that a quick run could check.
        hello += ["granian"] + (["abi3"] if os.environ.get("UWSGI_WSGI_ABI3") else [])
    # What, its sides, its application, how many threads, what each side must answer, how wrk asks, and the bound.
    groups = {
        "hello": (hello, "hello:application", 1, HELLO, (), NGINX),
        "hello, `--threads 4`": (("ours", "uwsgi"), "hello:application", 4, HELLO, (), THREADS),
        "Flask hello": (("ours", "uwsgi"), "flask_hello:application", 1, HELLO, (), FLASK),
        "100 kB answer": (("ours", "uwsgi"), "bodies:answer", 1, bodies.BODY, (), ANSWER),
        "100 kB upload": (("ours", "uwsgi"), "bodies:upload", 1, size + b"\n", post, UPLOAD),
    }
    lines = [
        f"Behind the same nginx: `wrk -t2 -c{CLIENTS}` for {seconds} s, {rounds} times a side in turns, medians; Unix sockets. "
        f"nginx has `{BUFFERS}`, so that no body goes over the disk."
        + (" It keeps its connections to granian, which it cannot do with `uwsgi_pass`." if "granian" in hello else ""),
        "",
        "| what | server | requests/s | p50 ms | p99 ms | worker CPU, µs/request | nginx CPU, µs/request |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    ratios, cpu = [], []
    for what, (servers, app, threads, expected, load, bound) in groups.items():
        sides = {server: side(bench, server, app, threads, load) for server in servers}
        got, _ = bench.behind_nginx(sides, seconds, rounds, lambda ports: same_answers(ports, expected, bool(load)))
        for server, measured in got.items():
            cells = [middle_of(measured, key) for key in ("rate", "p50", "p99", "cpu", "front")]
            # The two processor times are seconds for 10,000 requests.
            lines.append(
                "| {} | {} | {:.0f} | {:.2f} | {:.2f} | {:.1f} | {:.1f} |".format(
                    what, LABEL[server], *cells[:3], cells[3] * 100, cells[4] * 100
                )
            )
        ratios.append(
            ratio(bench, f"requests/s, {what} behind nginx, ours / uWSGI", got["ours"], got["uwsgi"], "rate", bound)
        )
        if what == "hello":
            for server, least in zip(hello[2:], (SYNC, GTHREAD, None, None)):
                ratios.append(
                    ratio(
                        bench,
                        f"requests/s, hello behind nginx, ours / {LABEL[server]}",
                        got["ours"],
                        got[server],
                        "rate",
                        least,
                    )
                )
            cpu.append(
                ratio(
                    bench,
                    "worker's processor time for a hello behind nginx, ours / uWSGI",
                    got["ours"],
                    got["uwsgi"],
                    "cpu",
                    PROCESSOR,
                    upper=True,
                )
            )
    return lines, ratios + cpu


def side(bench, server, app, threads, load):
    """Returns one side of a comparison behind nginx."""
    path = bench.sock(server)
    if server != "granian":
        location = f"location / {{ {BUFFERS} uwsgi_pass unix:{path}; }}"
        return Side(command(server, path, app, threads), path, location, load=load)
    kept = 'proxy_http_version 1.1; proxy_set_header Connection "";'
    return Side(
        command(server, path, app),
        path,
        f"location / {{ {kept} proxy_pass http://granian; }}",
        f"upstream granian {{ server unix:{path}; keepalive 64; }}",
        load,
    )


def same_answers(ports, expected, upload):
    """Fails if a side does not answer what it should: a server that does less would be faster."""
    for name, port in ports.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        if upload:
            connection.request("POST", "/", bodies.BODY)
        else:
            connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if (answer.status, body) != (200, expected):
            raise SystemExit(f"{name} answered {answer.status} {body[:200]!r}")


def memory(bench):
    """Compares how much memory the programs take after many Flask hellos. Only one of them runs at a time, since pages that
    several programs map count only in part for each."""
    hellos, runs = (FLASK_HELLOS // 10, 1) if bench.options.quick else (FLASK_HELLOS, 3)
    got = {"ours": [], "uwsgi": [], "sync": []}
    for _ in range(runs):
        for server, measured in got.items():
            path = bench.sock(f"memory-{server}")
            with Program(
                f"memory-{server}", command(server, path, "flask_hello:application"), path, bench.run
            ) as program:
                bench.loaded(program, path, "-c", str(CLIENTS), "-n", str(hellos))
                rss, pss = program.memory()
            measured.append({"rss": rss, "pss": pss})
    lines = [
        f"Memory after {hellos} Flask hellos over a Unix socket, medians of {runs}: all processes of a server, for gunicorn its "
        "arbiter and one worker. In Pss, memory that processes share counts once (`smaps_rollup`).",
        "",
        "| server | RSS MiB | PSS MiB |",
        "|---|---:|---:|",
    ]
    for server, measured in got.items():
        lines.append(f"| {LABEL[server]} | {middle_of(measured, 'rss'):.1f} | {middle_of(measured, 'pss'):.1f} |")
    return lines, [
        ratio(
            bench,
            f"Pss after {hellos} Flask hellos, ours / {LABEL[server]}",
            got["ours"],
            got[server],
            "pss",
            most,
            upper=True,
        )
        for server, most in (("uwsgi", MEMORY_UWSGI), ("sync", MEMORY_GUNICORN))
    ]


def ratio(bench, what, ours, others, key, bound, upper=False):
    """Returns a line of the table of ratios. A run of one side is compared with the run of the other side in the same turn."""
    ratios = [a[key] / b[key] for a, b in zip(ours, others)]
    middle = statistics.median(ratios)
    spread = "" if len(ratios) < 2 else " ({:.2f}–{:.2f})".format(*quartiles(ratios)[::2])
    if bound is None:
        cell = f"{middle:.3f} | – | "
    else:
        cell = bench.upper_bound(middle, bound) if upper else bench.bound(middle, bound)
    return f"| {what}{spread} | {cell} |"
