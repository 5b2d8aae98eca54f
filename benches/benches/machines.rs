//! Runs the machines of both sides of a connection, without I/O, beside the bare decoders.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use uwsgi::Limits;
use uwsgi::Time;
use uwsgi::server::{AllowList, Settings};
use uwsgi_benches::{inputs, ours, rivals};

fn receive(c: &mut Criterion) {
    let (settings, limits, now) = (Settings::default(), Limits::server(), Time::from_millis(1));
    for input in [inputs::small(), inputs::browser(), inputs::headers_100()] {
        let packet = input.packet;
        let mut group = c.benchmark_group(format!("receive {}", input.name));
        group.throughput(Throughput::Bytes(packet.len() as u64));
        group.bench_function("Receive", |b| {
            b.iter(|| ours::receive(black_box(&settings), black_box(now), black_box(packet)).map(|r| r.vars().len()));
        });
        group.bench_function("Request::decode + check", |b| {
            b.iter(|| ours::checked_request(black_box(packet), black_box(&limits)).map(|r| r.vars().len()));
        });
        group.finish();
    }
}

fn exchange(c: &mut Criterion) {
    let head = inputs::answer_head();
    let mut group = c.benchmark_group("exchange head of six");
    group.throughput(Throughput::Bytes(head.len() as u64));
    group.bench_function("Exchange", |b| b.iter(|| ours::exchange(black_box(head)).map(|r| r.status())));
    group.bench_function("httparse", |b| b.iter(|| rivals::httparse_response(black_box(head))));
    group.finish();
}

fn byte_by_byte(c: &mut Criterion) {
    let mut group = c.benchmark_group("head byte by byte");
    for len in [1024, 8192] {
        let head = inputs::long_answer_head(len);
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(format!("{len} bytes"), |b| {
            b.iter(|| ours::exchange_byte_by_byte(black_box(head)).map(|r| r.status()));
        });
    }
    group.finish();
}

/// A peer that matches the last of 200 networks, as a server checks it for each connection.
fn allow_list(c: &mut Criterion) {
    let networks: Vec<_> = (0..200).map(|number| format!("10.{number}.0.0/16")).collect();
    let list = AllowList::parse(&networks.join(",")).expect("a list of networks");
    let peer = "10.199.1.2".parse().expect("an address");
    c.bench_function("allow list of 200 networks", |b| b.iter(|| black_box(&list).allows(black_box(peer))));
}

criterion_group!(benches, receive, exchange, byte_by_byte, allow_list);
criterion_main!(benches);
