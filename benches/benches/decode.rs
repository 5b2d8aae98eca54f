//! Decodes packets to validated vars, beside the code that one would write by hand.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use uwsgi_benches::inputs::{self, Input};
use uwsgi_benches::{ours, rivals};

fn decode(c: &mut Criterion) {
    for input in inputs::all() {
        let mut group = c.benchmark_group(format!("decode {}", input.name));
        group.throughput(Throughput::Bytes(input.packet.len() as u64));
        packets(&mut group, input);
        if let Some(text) = input.http {
            // The text is shorter than the packet.
            group.throughput(Throughput::Bytes(text.len() as u64));
            let parse = if input.vars > 64 { rivals::httparse::<128> } else { rivals::httparse::<64> };
            group.bench_function("httparse", |b| b.iter(|| parse(black_box(text))));
        }
        group.finish();
    }
}

fn packets(group: &mut BenchmarkGroup<'_, WallTime>, input: Input) {
    let packet = input.packet;
    group.bench_function("uwsgi", |b| b.iter(|| ours::decode(black_box(packet))));
    group.bench_function("plain loop, four splits", |b| b.iter(|| rivals::four_splits(black_box(packet))));
    group.bench_function("plain loop, two splits", |b| b.iter(|| rivals::two_splits(black_box(packet))));
    group.bench_function("plain loop, positions", |b| b.iter(|| rivals::positions(black_box(packet))));
    group.bench_function("unchecked walk", |b| {
        // SAFETY: the inputs are well formed: a test of `inputs` checks it.
        b.iter(|| unsafe { rivals::unchecked_walk(black_box(packet)) });
    });
}

criterion_group!(benches, decode);
criterion_main!(benches);
