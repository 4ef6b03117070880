//! `./x bench sealed`: reading a lead with eight encrypted fields beside the same in plain, with the spread of it.

#[path = "../src/privacy/sealed.rs"]
mod sealed;

use criterion::{Criterion, criterion_group, criterion_main};
use sealed::Lead;

fn lead(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let lead = runtime.block_on(Lead::new()).expect("a key");
    let mut group = criterion.benchmark_group("a lead with eight fields");
    group.bench_function("plain", |measured| measured.iter(|| lead.plain()));
    group.bench_function("sealed", |measured| {
        measured.iter(|| runtime.block_on(lead.opened()).expect("it opens"));
    });
    group.finish();
}

criterion_group!(leads, lead);
criterion_main!(leads);
