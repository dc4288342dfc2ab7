//! What performance figures are stated against, so that they mean the same on every machine: a
//! plain 4-ary heap of (time, sequence), 1000 pending, pop one and push one.

use engine::Span;
use engine::chance::Stream;

/// Seconds that `work` takes, the best of five.
#[expect(clippy::disallowed_types, reason = "a benchmark measures the wall clock")]
pub fn best_of_five(mut work: impl FnMut()) -> f64 {
    let timed = |_| {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..5).map(timed).fold(f64::INFINITY, f64::min)
}

/// The calibrator: nothing clever, so that it means the same on every machine.
pub fn calibrator(steps: usize) -> f64 {
    let seconds = best_of_five(|| {
        let mut stream = Stream::named(1, "bench", "calibrator");
        let mut heap: Vec<(u64, u64, u64)> = Vec::new();
        (0..1000).for_each(|i| plain_push(&mut heap, (stream.below(2_000_000).into(), i, i)));
        for step in 0..steps as u64 {
            let (time, _, payload) = plain_pop(&mut heap);
            let span = Span::from_f64(1e6 * stream.exponential());
            plain_push(&mut heap, (time + span.0, 1000 + step, payload));
        }
        std::hint::black_box(&heap);
    });
    steps as f64 / seconds / 1e6
}

fn plain_push(heap: &mut Vec<(u64, u64, u64)>, entry: (u64, u64, u64)) {
    let mut place = heap.len();
    heap.push(entry);
    while place > 0 && heap[(place - 1) / 4] > heap[place] {
        heap.swap(place, (place - 1) / 4);
        place = (place - 1) / 4;
    }
}

fn plain_pop(heap: &mut Vec<(u64, u64, u64)>) -> (u64, u64, u64) {
    let top = heap.swap_remove(0);
    let mut place = 0;
    loop {
        let children = place * 4 + 1..(place * 4 + 5).min(heap.len());
        match children.min_by_key(|&child| heap[child]) {
            Some(least) if heap[least] < heap[place] => {
                heap.swap(least, place);
                place = least;
            }
            _ => return top,
        }
    }
}
