//! Encodes pairs to packets, beside a mere copy of the same bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use uwsgi_benches::{inputs, ours, rivals};

fn encode(c: &mut Criterion) {
    for input in inputs::all() {
        let pairs = inputs::pairs_of(input);
        let mut buffer = vec![0; input.packet.len()];
        let mut group = c.benchmark_group(format!("encode {}", input.name));
        group.throughput(Throughput::Bytes(input.packet.len() as u64));
        group.bench_function("uwsgi", |b| b.iter(|| ours::encode(black_box(&pairs), black_box(&mut buffer))));
        group.bench_function("copy", |b| b.iter(|| rivals::copy(black_box(&pairs), black_box(&mut buffer))));
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
