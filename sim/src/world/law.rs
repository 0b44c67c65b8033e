//! Laws of latency: how long a message travels, in whole numbers, so that no platform's logarithm decides anything.

use netsplit::{Span, SpanRange};

use super::random::{Chance, Draw};

/// How long a message travels on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    /// Anything in the range, all alike.
    Uniform(SpanRange),
    /// At least so long, and on average `mean` more; the tail ends at [`MOST_MEANS`] means.
    Exponential {
        /// The shortest.
        least: Span,
        /// The average of what comes on top.
        mean: Span,
    },
    /// Mostly the one, and with a chance the other: a slow tail.
    Bimodal {
        /// The usual.
        usual: SpanRange,
        /// The tail.
        slow: SpanRange,
        /// How often it is the tail.
        share: Chance,
    },
}

/// Where an exponential tail ends: one in nine million is that late.
pub const MOST_MEANS: u64 = 16;

impl Law {
    /// How long this message travels.
    #[inline]
    pub fn draw(&self, draw: Draw) -> Span {
        match self {
            Law::Uniform(range) => draw.within(*range),
            Law::Exponential { least, mean } => *least + exponential(draw, *mean),
            Law::Bimodal { usual, slow, share } => {
                let range = if draw.also(6).hits(*share) {
                    slow
                } else {
                    usual
                };
                draw.within(*range)
            }
        }
    }

    /// The longest that a message can travel.
    pub fn most(&self) -> Span {
        match self {
            Law::Uniform(range) => range.max,
            Law::Exponential { least, mean } => *least + *mean * MOST_MEANS,
            Law::Bimodal { usual, slow, .. } => usual.max.max(slow.max),
        }
    }
}

/// Bits behind the point of a logarithm.
const PLACES: u32 = 24;
/// The natural logarithm of 2, with 32 bits behind the point.
const LN_2: u128 = 2_977_044_472;

/// `mean` times minus the natural logarithm of a uniform draw.
fn exponential(draw: Draw, mean: Span) -> Span {
    let halvings = (64_u128 << PLACES) - u128::from(log2(draw.bits().max(1)));
    let nanos = (u128::from(mean.as_nanos()) * halvings * LN_2) >> (PLACES + 32);
    let most = mean * MOST_MEANS;
    Span::nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(most)
}

/// The binary logarithm of a positive number, rounded down, with [`PLACES`] bits behind the point: the integer part is
/// where the highest bit stands; each squaring of what is left over gives one bit more.
fn log2(number: u64) -> u64 {
    let leading = number.leading_zeros();
    let mut log = u64::from(63 - leading);
    let mut rest = u128::from(number << leading);
    for _ in 0..PLACES {
        rest = (rest * rest) >> 63;
        let over = rest >> 64;
        log = log << 1 | over as u64;
        rest >>= over;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::super::random::{Key, Purpose};
    use super::*;

    fn sample(law: Law, count: u64) -> Vec<u64> {
        let key = Key::new(3, Purpose::Link { from: 0, to: 1 });
        let mut all: Vec<u64> = (0..count)
            .map(|n| law.draw(key.draw(n)).as_nanos())
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn the_logarithm_is_that_of_the_library() {
        for number in [1, 2, 3, 7, 1000, 1 << 40, u64::MAX / 3, u64::MAX] {
            let exact = (number as f64).log2() * f64::from(1 << PLACES);
            assert!((log2(number) as f64 - exact).abs() < 8.0, "{number}");
        }
    }

    #[test]
    fn an_exponential_latency_has_its_least_its_mean_and_its_median() {
        let (least, mean) = (Span::nanos(500), Span::nanos(10_000));
        let law = Law::Exponential { least, mean };
        let all = sample(law, 100_000);
        let average = all.iter().sum::<u64>() / all.len() as u64;
        assert!((10_400..10_600).contains(&average), "{average}");
        // The median of an exponential law is ln 2 means.
        let median = all[all.len() / 2] - 500;
        assert!((6_830..7_030).contains(&median), "{median}");
        assert!(all[0] >= 500 && *all.last().unwrap() <= law.most().as_nanos());
        assert!(all[0] < 510 && *all.last().unwrap() > 90_000);
    }

    #[test]
    fn a_bimodal_latency_is_slow_as_often_as_it_says_and_nothing_between() {
        let range = |min, max| SpanRange::new(Span::nanos(min), Span::nanos(max));
        let law = Law::Bimodal {
            usual: range(10, 20),
            slow: range(500, 600),
            share: Chance(50_000),
        };
        let all = sample(law, 100_000);
        let slow = all.iter().filter(|nanos| **nanos >= 500).count();
        assert!((4_800..5_200).contains(&slow), "{slow}");
        assert!(
            all.iter()
                .all(|nanos| (10..=20).contains(nanos) || (500..=600).contains(nanos))
        );
    }

    #[test]
    fn no_law_goes_beyond_its_most() {
        let mean = Span::nanos(1000);
        let law = Law::Exponential {
            least: Span::ZERO,
            mean,
        };
        assert_eq!(exponential(Draw::of(0), mean), law.most());
        assert_eq!(exponential(Draw::of(u64::MAX), mean), Span::ZERO);
    }
}
