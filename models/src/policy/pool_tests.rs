//! The bookkeeping of connection pools, by hand.

use super::*;

fn pool(maximum: u32, minimum_idle: Option<u32>) -> Pool<u8> {
    let (timeout, idle, lifetime) = (Dur(SECOND), Dur(SECOND), Dur(SECOND));
    let (create, connect, leak) = (None, None, None);
    let spec = PoolSpec { maximum, minimum_idle, timeout, lifetime, idle, create, connect, leak };
    Pool::new(&spec)
}

const SECOND: Span = Span::secs(1);

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::secs(seconds)
}

/// One is made after the other; who came first has the first one.
#[test]
fn connections_are_made_one_by_one_and_lent_in_order_of_arrival() {
    let mut pool = pool(2, None);
    assert!(pool.makes() && !pool.makes(), "one at a time");
    assert_eq!([1, 2, 3].map(|who| pool.borrow(who, at(0), at(99))), [Borrowed::Waits; 3]);
    assert_eq!(pool.made(at(100), at(1), |_| true), Some(1));
    assert!(pool.makes());
    assert_eq!(pool.made(at(100), at(2), |who| who != 2), Some(3), "2 has left meanwhile");
    assert!(!pool.makes(), "two are all there may be");
    assert_eq!(pool.give_back(at(3), false, |_| true), None);
    assert_eq!((pool.lent(), pool.idle()), (1, 1));
    assert_eq!(pool.borrow(4, at(3), at(99)), Borrowed::Lent);
}

#[test]
fn the_broken_and_the_old_are_closed_and_made_anew() {
    let mut pool = pool(1, None);
    assert!(pool.makes());
    assert_eq!(pool.made(at(10), at(0), |_| true), None);
    assert_eq!(pool.borrow(1, at(9), at(99)), Borrowed::Lent);
    assert_eq!(pool.give_back(at(11), false, |_| true), None);
    assert_eq!((pool.lent(), pool.idle(), pool.makes()), (0, 0, true));
    assert_eq!(pool.made(at(20), at(12), |_| true), None);
    assert_eq!(pool.borrow(1, at(13), at(99)), Borrowed::Lent);
    assert_eq!(pool.give_back(at(14), true, |_| true), None);
    assert_eq!((pool.idle(), pool.makes()), (0, true));
    assert_eq!(pool.made(at(20), at(15), |_| true), None);
    assert_eq!(pool.borrow(1, at(20), at(99)), Borrowed::Waits, "too old to be lent");
}

/// Three are lent at once and come back; one is to be kept.
#[test]
fn who_is_idle_for_long_is_closed_down_to_the_minimum() {
    let mut pool = pool(3, Some(1));
    for who in 0..3 {
        assert_eq!(pool.borrow(who, at(0), at(99)), Borrowed::Waits);
        assert!(pool.makes());
        assert_eq!(pool.made(at(100), at(0), |_| true), Some(who));
    }
    (0..3).for_each(|_| assert_eq!(pool.give_back(at(5), false, |_| true), None));
    pool.keep_house(at(5));
    assert_eq!(pool.idle(), 3);
    pool.keep_house(at(6));
    assert_eq!((pool.idle(), pool.makes()), (1, false));
}

#[test]
fn who_has_waited_long_enough_leaves_in_order() {
    let mut pool = pool(1, None);
    for (who, since) in [(1, 0), (2, 1)] {
        assert_eq!(pool.borrow(who, at(since), at(since + 5)), Borrowed::Waits);
    }
    assert_eq!([4, 5, 5, 6].map(|s| pool.gives_up(at(s))), [None, Some(1), None, Some(2)]);
}

/// The second in line leaves before the first; the third, after both.
#[test]
fn who_is_in_a_hurry_leaves_before_its_turn() {
    let mut pool = pool(1, None);
    for (who, until) in [(1, 5), (2, 2), (3, 7)] {
        assert_eq!(pool.borrow(who, at(0), at(until)), Borrowed::Waits);
    }
    let left = [1, 2, 2, 5, 6, 7].map(|s| pool.gives_up(at(s)));
    assert_eq!(left, [None, Some(2), None, Some(1), None, Some(3)]);
}

/// The sheet: 10 ms, doubling to 5 s. Nine pauses double, to 2560 ms; then all are of 5 s, until
/// one is made. Pauses begin anew as well if nobody wants one at the end of a pause.
#[test]
fn pauses_after_failures_double_up_to_five_seconds() {
    let mut it = pool(1, Some(0));
    it.borrow(1, at(0), at(99));
    assert!(it.makes());
    let pauses = |it: &mut Pool<u8>, count: usize| -> Vec<u64> {
        let mut pause = || {
            let pause = it.failed();
            assert!(!it.makes() && it.makes_again(), "it sleeps, and goes on");
            pause.0 / 1_000_000
        };
        (0..count).map(|_| pause()).collect()
    };
    let doubling = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000];
    assert_eq!(pauses(&mut it, 11), doubling);
    assert_eq!(it.made(at(99), at(1), |_| true), Some(1));
    assert_eq!(it.give_back(at(2), true, |_| true), None);
    it.borrow(2, at(2), at(3));
    assert!(it.makes());
    assert_eq!(pauses(&mut it, 2), [10, 20]);
    it.failed();
    assert_eq!(it.gives_up(at(3)), Some(2));
    assert!(!it.makes_again(), "nobody wants it");
    it.borrow(3, at(4), at(99));
    assert!(it.makes());
    assert_eq!(pauses(&mut it, 1), [10]);
}

/// Both are idle from 0 s and 1 s on, and the process ends at 1 s. At 1.5 s the second has been
/// idle for 500 ms, which is not more: it is lent as it is. At 2 s the first one is tested.
#[test]
fn who_was_idle_for_long_is_tested_before_it_is_lent() {
    let mut it = pool(2, None);
    for since in [0, 1] {
        assert!(it.makes());
        assert_eq!(it.made(at(99), at(since), |_| true), None);
    }
    it.process_ended(at(1));
    let half_past = at(1) + Span::millis(500);
    assert_eq!(it.borrow(1, half_past, at(99)), Borrowed::Lent);
    assert_eq!(it.borrow(2, at(2), at(99)), Borrowed::Waits);
    assert_eq!((it.lent(), it.idle(), it.makes()), (1, 0, true));
    // The one made after that is sound, however long it is idle.
    assert_eq!(it.made(at(99), at(3), |_| false), None);
    assert_eq!(it.borrow(3, at(9), at(99)), Borrowed::Lent);
}

/// HikariCP tells the driver: the connection timeout, rounded to seconds, and at least one.
#[test]
fn how_long_a_connection_may_take_to_make() {
    let takes = |spec: &str| crate::testing::parse::<PoolSpec>(spec).connect();
    assert_eq!(takes("()"), Span::secs(30));
    assert_eq!(takes(r#"(timeout: "250ms")"#), SECOND);
    assert_eq!(takes(r#"(timeout: "2500ms")"#), Span::secs(3));
    assert_eq!(takes(r#"(connect: "10s")"#), Span::secs(10));
}
