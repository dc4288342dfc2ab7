//! The closed forms. Time is counted in mean service times; `rho` is the offered load of one
//! server. Each is checked against numbers printed elsewhere before it judges a simulation.

use libm::{exp, log, pow, sqrt};

/// Where a falling function of time crosses `level`: bisection.
pub fn crossing(tail: impl Fn(f64) -> f64, level: f64) -> f64 {
    if tail(0.0) <= level {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while tail(high) > level {
        // In small steps: alternating series lose their digits far out.
        high *= 1.1;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if tail(middle) > level { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Erlang B: the part of calls that `servers` lose under `load` (recursion of the textbooks).
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b))
}

/// Erlang C: the part of customers who wait in M/M/c.
pub fn erlang_c(servers: u32, load: f64) -> f64 {
    let b = erlang_b(servers, load);
    let c = f64::from(servers);
    c * b / (c - load * (1.0 - b))
}

/// M/M/c: the tail of the wait.
pub fn mmc_wait(servers: u32, load: f64, t: f64) -> f64 {
    erlang_c(servers, load) * exp(-(f64::from(servers) - load) * t)
}

/// M/M/c: the tail of the sojourn time: a service, and with probability C an exponential wait.
pub fn mmc_sojourn(servers: u32, load: f64, t: f64) -> f64 {
    let (c, spare) = (erlang_c(servers, load), f64::from(servers) - load);
    let both = match (spare - 1.0).abs() < 1e-9 {
        true => (1.0 + t) * exp(-t),
        false => (spare * exp(-t) - exp(-spare * t)) / (spare - 1.0),
    };
    (1.0 - c) * exp(-t) + c * both
}

/// The stationary law of a birth-death process on 0..: `birth(n)` from n, `death(n)` to n − 1.
pub fn birth_death(
    places: usize,
    birth: impl Fn(usize) -> f64,
    death: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let mut law = vec![1.0];
    for n in 1..=places {
        law.push(law[n - 1] * birth(n - 1) / death(n));
    }
    let sum: f64 = law.iter().sum();
    law.iter().map(|p| p / sum).collect()
}

/// The mean of a law, each number seen through `of`.
pub fn expected(law: &[f64], of: impl Fn(usize) -> f64) -> f64 {
    law.iter().enumerate().map(|(n, p)| p * of(n)).sum()
}

/// M/D/1: the tail of the wait (Erlang's series; service takes 1).
pub fn md1_wait(rho: f64, t: f64) -> f64 {
    let mut sum = 0.0;
    for k in 0..=t as u32 {
        let at = rho * (f64::from(k) - t);
        let term = (1..=k).fold(exp(-at), |term, i| term * at / f64::from(i));
        sum += term;
    }
    1.0 - (1.0 - rho) * sum
}

/// M/G/1: the mean wait (Pollaczek and Khinchine), by the rate of arrivals and the first two
/// moments of the service time.
pub fn mg1_wait(rate: f64, mean: f64, square: f64) -> f64 {
    rate * square / (2.0 * (1.0 - rate * mean))
}

/// The k-th moment of a Pareto law cut off at `high`.
pub fn bounded_pareto_moment(low: f64, high: f64, alpha: f64, k: f64) -> f64 {
    let scale = alpha * pow(low, alpha) / (1.0 - pow(low / high, alpha));
    scale * (pow(high, k - alpha) - pow(low, k - alpha)) / (k - alpha)
}

/// M/H2/1 with balanced means and mean 1: the tail of the wait, by partial fractions of the
/// Pollaczek-Khinchine transform. With balanced means both phases have half of the residual.
pub fn mh21_wait(rho: f64, scv: f64, t: f64) -> f64 {
    let p = 0.5 * (1.0 + sqrt((scv - 1.0) / (scv + 1.0)));
    let (a, b) = (2.0 * p, 2.0 * (1.0 - p));
    let (half, product) = ((a + b) * (1.0 - rho / 2.0) / 2.0, a * b * (1.0 - rho));
    let root = sqrt(half * half - product);
    let (s, r) = (half - root, half + root);
    let part = |s: f64, other: f64| (1.0 - rho) * (a - s) * (b - s) / ((other - s) * s);
    part(s, r) * exp(-s * t) + part(r, s) * exp(-r * t)
}

/// The tail of a sum of independent exponentials; rates are equal for two, or all different.
pub fn sum_of_exponentials(rates: &[f64], t: f64) -> f64 {
    if let [a, b] = rates
        && a == b
    {
        return (1.0 + a * t) * exp(-a * t);
    }
    let weight = |i: usize| -> f64 {
        let others = rates.iter().enumerate().filter(|(j, _)| *j != i);
        others.map(|(_, rate)| rate / (rate - rates[i])).product()
    };
    rates.iter().enumerate().map(|(i, rate)| weight(i) * exp(-rate * t)).sum()
}

/// G/M/1 with Erlang-n arrivals, as one of n servers in turn sees them: the rate at which sojourn
/// times fall, 1 − σ, where σ is what the transform of the interarrival time maps to itself.
pub fn round_robin_rate(servers: u32, rho: f64) -> f64 {
    let n = f64::from(servers);
    let mut sigma = rho;
    for _ in 0..10_000 {
        sigma = pow(n * rho / (n * rho + 1.0 - sigma), n);
    }
    1.0 - sigma
}

/// Power of d choices, many servers: the part of servers with at least `i` jobs (Mitzenmacher's
/// fixed point).
pub fn busier(choices: u32, rho: f64, i: u32) -> f64 {
    let d = f64::from(choices);
    let exponent = (0..i).fold((0.0, 1.0), |(sum, power), _| (sum + power, power * d)).0;
    pow(rho, exponent)
}

/// Power of d choices: the mean sojourn time. Who finds k jobs at its server stays k + 1 services.
pub fn choices_sojourn(choices: u32, rho: f64) -> f64 {
    (0..4000).map(|k| pow(busier(choices, rho, k), f64::from(choices))).sum()
}

/// The mean of the k-th of n exponentials.
pub fn kth_mean(k: u32, n: u32) -> f64 {
    (n - k + 1..=n).map(|i| 1.0 / f64::from(i)).sum()
}

/// The tail of the k-th of n values that are each later than t with probability `tail`: fewer
/// than k are there.
pub fn kth_tail(k: u32, n: u32, tail: f64) -> f64 {
    let choose = |j: u32| (0..j).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    let exactly = |j: u32| choose(j) * pow(1.0 - tail, f64::from(j)) * pow(tail, f64::from(n - j));
    (0..k).map(exactly).sum()
}

/// Poisson probabilities 0..=most.
pub fn poisson(mean: f64, most: usize) -> Vec<f64> {
    let mut law = vec![exp(-mean)];
    for n in 1..=most {
        law.push(law[n - 1] * mean / n as f64);
    }
    law
}

/// The q-quantile of an exponential with this rate.
pub fn exponential_quantile(rate: f64, q: f64) -> f64 {
    -log(1.0 - q) / rate
}

/// A closed network with exponential stations (Buzen's convolution): of `users` customers, how
/// many pass a unit of time, and how many are at each station, given by its demand (visits times
/// service time) and its servers. Nobody waits where there are `u32::MAX`.
pub fn closed_network(users: usize, stations: &[(f64, u32)]) -> (f64, Vec<f64>) {
    let most = stations.iter().map(|(demand, _)| *demand).fold(0.0, f64::max);
    let factors = |&(demand, servers): &(f64, u32)| {
        let mut factors = vec![1.0];
        for k in 1..=users {
            let busy = (k as f64).min(f64::from(servers));
            factors.push(factors[k - 1] * demand / most / busy);
        }
        factors
    };
    let factors: Vec<Vec<f64>> = stations.iter().map(factors).collect();
    let product = |without: Option<usize>| {
        let kept = factors.iter().enumerate().filter(|(place, _)| Some(*place) != without);
        let mut empty = vec![0.0; users + 1];
        empty[0] = 1.0;
        kept.fold(empty, |sum, (_, factors)| convolved(&sum, factors))
    };
    let all = product(None);
    let inside = |place: usize| {
        let others = product(Some(place));
        let weight = |k: usize| k as f64 * factors[place][k] * others[users - k];
        (1..=users).map(weight).sum::<f64>() / all[users]
    };
    (all[users - 1] / all[users] / most, (0..stations.len()).map(inside).collect())
}

/// The law of a sum of independent numbers, as far as both laws go.
pub fn convolved(a: &[f64], b: &[f64]) -> Vec<f64> {
    let sum = |n: usize| (0..=n).map(|k| a[k] * b.get(n - k).unwrap_or(&0.0)).sum();
    (0..a.len()).map(sum).collect()
}

/// M/D/c: the mean wait, from the numbers inside at moments one service apart (Crommelin): those
/// who were served then have left, and a Poisson number has come.
pub fn mdc_wait(servers: u32, rho: f64) -> f64 {
    let c = servers as usize;
    let rate = f64::from(servers) * rho;
    let (most, came) = (60 * c.max(4), poisson(rate, 8 * c + 20));
    let mut law = vec![0.0; most + 1];
    law[0] = 1.0;
    for _ in 0..3000 {
        let mut next = vec![0.0; most + 1];
        for (inside, p) in law.iter().enumerate() {
            let left = inside.saturating_sub(c);
            let reached = next[left..].iter_mut().zip(&came);
            reached.for_each(|(later, q)| *later += p * q);
        }
        law = next;
    }
    expected(&law, |n| n.saturating_sub(c) as f64) / rate
}

/// One request asks n M/M/1 queues of its own kind and waits for the slowest: exact for two
/// (Flatto and Hahn 1984), an approximation for more (Nelson and Tantawi 1988).
pub fn fork_join(n: u32, rho: f64) -> f64 {
    let ratio = kth_mean(n, n) / 1.5;
    (ratio + (1.0 - ratio) * rho * 4.0 / 11.0) * (12.0 - rho) / 8.0 / (1.0 - rho)
}

/// Balls thrown into bins: the probabilities that the fullest holds 0, 1, 2, … up to `balls`. Bins
/// are independent Poisson numbers of which only those are looked at that add up to `balls`.
pub fn fullest(balls: usize, bins: usize) -> Vec<f64> {
    let one = poisson(balls as f64 / bins as f64, balls);
    let up_to = |most: usize| {
        let mut sum = vec![0.0; balls + 1];
        sum[0] = 1.0;
        (0..bins).for_each(|_| sum = convolved(&sum, &one[..=most]));
        sum[balls] / poisson(balls as f64, balls)[balls]
    };
    let mut law: Vec<f64> = Vec::new();
    let mut below = 0.0;
    // Beyond this many at once there is nothing to be seen.
    for most in 0..=(balls / bins + 40).min(balls) {
        let now = up_to(most);
        law.push(now - below);
        below = now;
    }
    law
}

/// The standard normal distribution.
pub fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x / sqrt(2.0))
}
