//! The event queue by itself: a hold model (pop one, push one), beside the calibrator that
//! performance figures are stated against: a plain 4-ary heap of (time, sequence) at 1000 pending.
//!
//! `cargo bench -p sim-engine --bench queue` prints millions of events a second, the best of five.

mod calibrator;

use calibrator::{best_of_five, calibrator};
use engine::chance::Stream;
use engine::queue::EventQueue;
use engine::{Event, NodeId, Packed, Span, Time};

/// A million exponential spans, drawn beforehand so that only the queue is measured.
fn spans() -> Vec<Span> {
    let mut stream = Stream::named(1, "bench", "spans");
    (0..1 << 20).map(|_| Span::from_f64(1e6 * stream.exponential())).collect()
}

const EVENT: Event = Event::Station { node: NodeId(1), turn: 1 };

fn hold(pending: u64, steps: usize, spans: &[Span]) -> f64 {
    let seconds = best_of_five(|| {
        let mut queue = EventQueue::<Packed>::default();
        (0..pending).for_each(|i| queue.at(Time(0) + spans[i as usize & 0xf_ffff], EVENT));
        for step in 0..steps {
            let (now, event) = queue.pop(Time::NEVER, |_| true).expect("never empty");
            queue.at(now + spans[step & 0xf_ffff], event);
        }
        std::hint::black_box(&queue);
    });
    steps as f64 / seconds / 1e6
}

/// Fixed spans only: `kinds` of them in turn.
fn lanes(kinds: u64, steps: usize) -> f64 {
    let seconds = best_of_five(|| {
        let mut queue = EventQueue::<Packed>::default();
        (0..kinds * 30).for_each(|i| queue.after(Time(0), Span(1000 + i % kinds), EVENT));
        for step in 0..steps as u64 {
            let (now, event) = queue.pop(Time::NEVER, |_| true).expect("never empty");
            queue.after(now, Span(1000 + step % kinds), event);
        }
        std::hint::black_box(&queue);
    });
    steps as f64 / seconds / 1e6
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let spans = spans();
    let unit = calibrator(4_000_000);
    println!("calibrator (plain 4-ary heap, 1000 pending)  {unit:6.1} M/s");
    for pending in [10, 1_000, 100_000, 1_000_000] {
        let rate = hold(pending, 4_000_000, &spans);
        println!("hold {pending:>9} pending  {rate:6.1} M/s  {:5.2} × calibrator", rate / unit);
    }
    for kinds in [1, 8, 32, 128] {
        let rate = lanes(kinds, 4_000_000);
        println!("{kinds:>4} fixed spans        {rate:6.1} M/s  {:5.2} × calibrator", rate / unit);
    }
}
