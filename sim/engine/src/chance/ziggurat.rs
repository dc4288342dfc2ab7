//! Exponential and normal draws by the Ziggurat of Marsaglia and Tsang (2000), 256 layers.
//!
//! Most draws cost one random word, one multiplication and one comparison; logarithms and
//! exponentials, in the tail and at the edges, come from `libm`, so that every machine agrees.
//! The tables too are computed with `libm`, once per process.

use std::sync::LazyLock;

use super::Stream;

/// Where the tail of the exponential begins, and the area of each layer, for 256 layers.
const EXP_TAIL: f64 = 7.697_117_470_131_05;
const EXP_AREA: f64 = 0.003_949_659_822_581_572;
/// The same for the normal distribution.
const NORMAL_TAIL: f64 = 3.654_152_885_361_009;
const NORMAL_AREA: f64 = 0.004_928_673_233_974_658;

/// Layer i lies between `x[i]` and `x[i + 1]`, where the density is `f[i]` and `f[i + 1]`.
struct Layers {
    x: [f64; 257],
    f: [f64; 257],
}

static EXPONENTIAL: LazyLock<Layers> =
    LazyLock::new(|| Layers::new(EXP_TAIL, EXP_AREA, |x| libm::exp(-x), |y| -libm::log(y)));
static NORMAL: LazyLock<Layers> = LazyLock::new(|| {
    let inverse = |y| libm::sqrt(-2.0 * libm::log(y));
    Layers::new(NORMAL_TAIL, NORMAL_AREA, |x| libm::exp(-x * x / 2.0), inverse)
});

impl Layers {
    fn new(tail: f64, area: f64, f: impl Fn(f64) -> f64, inverse: impl Fn(f64) -> f64) -> Layers {
        let mut x = [0.0; 257];
        x[0] = area / f(tail);
        x[1] = tail;
        for i in 2..256 {
            x[i] = inverse(area / x[i - 1] + f(x[i - 1]));
        }
        Layers { f: x.map(f), x }
    }

    /// A height between the layer's two densities.
    #[inline]
    fn height(&self, layer: usize, stream: &mut Stream) -> f64 {
        self.f[layer] + (self.f[layer + 1] - self.f[layer]) * stream.unit()
    }
}

/// The low eight bits choose the layer, the high 53 the place in it.
#[inline]
fn split(word: u64) -> (usize, f64) {
    ((word & 255) as usize, (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64))
}

impl Stream {
    /// Exponential with mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        let layers = &*EXPONENTIAL;
        loop {
            let (layer, place) = split(self.word());
            let x = place * layers.x[layer];
            if x < layers.x[layer + 1] {
                return x;
            }
            if layer == 0 {
                return EXP_TAIL - libm::log(self.unit());
            }
            if layers.height(layer, self) < libm::exp(-x) {
                return x;
            }
        }
    }

    /// Normal with mean 0 and deviation 1.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        let layers = &*NORMAL;
        loop {
            let (layer, place) = split(self.word());
            let place = 2.0 * place - 1.0;
            let x = place * layers.x[layer];
            if x.abs() < layers.x[layer + 1] {
                return x;
            }
            if layer == 0 {
                let far = self.normal_tail();
                return if place < 0.0 { -far } else { far };
            }
            if layers.height(layer, self) < libm::exp(-x * x / 2.0) {
                return x;
            }
        }
    }

    /// Marsaglia's method for what lies beyond the last layer.
    #[cold]
    fn normal_tail(&mut self) -> f64 {
        loop {
            let x = -libm::log(self.unit()) / NORMAL_TAIL;
            let y = -libm::log(self.unit());
            if y + y >= x * x {
                return NORMAL_TAIL + x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 2_000_000;

    /// Four standard errors: sd of x is 1, of x² √(24 − 4) = √20, of the indicator √(p(1−p)).
    #[test]
    fn exponential_moments_and_tail() {
        let mut stream = Stream::named(1, "exponential", "test");
        let draws: Vec<f64> = (0..N).map(|_| stream.exponential()).collect();
        let mean = |f: &dyn Fn(f64) -> f64| draws.iter().map(|&x| f(x)).sum::<f64>() / N as f64;
        let root = (N as f64).sqrt();
        assert!((mean(&|x| x) - 1.0).abs() < 4.0 / root);
        assert!((mean(&|x| x * x) - 2.0).abs() < 4.0 * 20f64.sqrt() / root);
        for x in [0.01, 0.5, 3.0, 7.0, 8.5] {
            let p = libm::exp(-x);
            let error = mean(&|draw| f64::from(draw > x)) - p;
            assert!(error.abs() < 4.0 * (p * (1.0 - p)).sqrt() / root, "P(X > {x}) off by {error}");
        }
    }

    /// As above: sd of x is 1, of x² √2, of x⁴ √(105 − 9) = √96.
    #[test]
    fn normal_moments_and_tail() {
        let mut stream = Stream::named(1, "normal", "test");
        let draws: Vec<f64> = (0..N).map(|_| stream.normal()).collect();
        let mean = |f: &dyn Fn(f64) -> f64| draws.iter().map(|&x| f(x)).sum::<f64>() / N as f64;
        let root = (N as f64).sqrt();
        assert!(mean(&|x| x).abs() < 4.0 / root);
        assert!((mean(&|x| x * x) - 1.0).abs() < 4.0 * 2f64.sqrt() / root);
        assert!((mean(&|x| x * x * x * x) - 3.0).abs() < 4.0 * 96f64.sqrt() / root);
        for x in [0.1, 1.0, 2.5, 3.7] {
            let p = 1.0 - libm::erf(x / 2f64.sqrt());
            let error = mean(&|draw: f64| f64::from(draw.abs() > x)) - p;
            assert!(error.abs() < 4.0 * (p * (1.0 - p)).sqrt() / root, "P(|X| > {x}): {error}");
        }
    }
}
