//! Decodes packets to requests, and calls the methods of a request that a server needs.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use uwsgi::{Packet, Request};
use uwsgi_benches::{inputs, ours, rivals};

fn decode(c: &mut Criterion) {
    for input in inputs::all() {
        let packet = input.packet;
        let mut group = c.benchmark_group(format!("request {}", input.name));
        group.throughput(Throughput::Bytes(packet.len() as u64));
        group
            .bench_function("Request::decode", |b| b.iter(|| ours::request(black_box(packet)).map(|r| r.vars().len())));
        group.bench_function("unchecked walk", |b| {
            // SAFETY: the inputs are well formed: a test of `inputs` checks it.
            b.iter(|| unsafe { rivals::unchecked_walk(black_box(packet)) });
        });
        group.finish();
    }
}

fn ask(c: &mut Criterion) {
    for input in [inputs::small(), inputs::browser(), inputs::headers_100()] {
        let (packet, _) = Packet::decode(input.packet).expect("the inputs are well formed");
        let request = Request::decode(&packet).expect("the inputs are well formed");
        let vars = request.vars();
        let keys: Vec<&[u8]> = vars.iter().map(|(key, _)| key).collect();
        let mut group = c.benchmark_group(format!("ask {}", input.name));
        group.throughput(Throughput::Bytes(input.packet.len() as u64));
        group.bench_function("Vars::iter", |b| b.iter(|| ours::iterate(black_box(vars))));
        group.bench_function("Vars::get", |b| b.iter(|| ours::get(black_box(vars), black_box(b"HTTP_COOKIE"))));
        group.bench_function("Request::header", |b| b.iter(|| ours::header(black_box(&request), black_box("cookie"))));
        group.bench_function("check", |b| b.iter(|| ours::check(black_box(&request))));
        group.bench_function("Vars::get of every key", |b| b.iter(|| ours::gets(black_box(vars), black_box(&keys))));
        group.finish();
    }
}

criterion_group!(benches, decode, ask);
criterion_main!(benches);
