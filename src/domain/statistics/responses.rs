//! The histogram of response times: it can be added up, and a percentile read from it.

use std::{collections::BTreeMap, time::Duration};

/// The buckets' borders grow by this factor, from 1 ms: a percentile is right within 2.5%.
const BUCKET_GROWTH_FACTOR: f64 = 1.05;
/// Longer waits count as this long.
const MAX_RESPONSE_TIME: Duration = Duration::from_hours(24 * 90);

/// A histogram of response times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responses(BTreeMap<u16, u64>);

impl Responses {
    /// Adds one answer after `wait`.
    pub fn record(&mut self, wait: Duration) {
        let ms = wait.min(MAX_RESPONSE_TIME).as_secs_f64() * 1_000.0;
        let bucket = if ms < 1.0 {
            0.0
        } else {
            (ms.ln() / BUCKET_GROWTH_FACTOR.ln()).floor()
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 467"
        )]
        let bucket = bucket as u16;
        *self.0.entry(bucket).or_default() += 1;
    }

    /// Returns the histogram of these stored buckets.
    #[must_use]
    pub fn of(buckets: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut all = Self::default();
        for (bucket, count) in buckets {
            *all.0.entry(bucket).or_default() += count;
        }
        all
    }

    /// Returns the buckets that are not empty.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.0.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// Adds another histogram to this one.
    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in other.buckets() {
            *self.0.entry(bucket).or_default() += count;
        }
    }

    /// Returns the number of answers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the wait that `percent` of the answers did not exceed (nearest rank), in
    /// milliseconds; `None` without answers.
    #[must_use]
    pub fn percentile_ms(&self, percent: u64) -> Option<u64> {
        let rank = (self.count() * percent.min(100)).div_ceil(100).max(1);
        let mut passed = 0;
        let (bucket, _) = self.0.iter().find(|(_, count)| {
            passed += **count;
            passed >= rank
        })?;
        let middle = BUCKET_GROWTH_FACTOR.powf(f64::from(*bucket) + 0.5);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 90 days"
        )]
        Some(middle.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_percentile_is_right_within_a_fortieth(
            mut waits in prop::collection::vec(100_u64..10_000_000, 1..200),
            percent in 1_u64..=100,
        ) {
            let mut responses = Responses::default();
            for wait in &waits {
                responses.record(Duration::from_millis(*wait));
            }
            waits.sort_unstable();
            let rank = (waits.len() * usize::try_from(percent).unwrap()).div_ceil(100).max(1);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let (exact, told) = (waits[rank - 1] as f64, responses.percentile_ms(percent).unwrap() as f64);
            prop_assert!((told / exact - 1.0).abs() < 0.026, "{told} for {exact}");
        }

        #[test]
        fn sums_of_histograms_are_histograms_of_sums(
            first in prop::collection::vec(0_u64..1_000_000, 0..50),
            second in prop::collection::vec(0_u64..1_000_000, 0..50),
        ) {
            let of = |waits: &[u64]| {
                let mut all = Responses::default();
                for wait in waits {
                    all.record(Duration::from_millis(*wait));
                }
                all
            };
            let mut sum = of(&first);
            sum.add(&of(&second));
            prop_assert_eq!(sum, of(&[first, second].concat()));
        }
    }

    #[test]
    fn without_answers_there_is_no_median() {
        assert_eq!(Responses::default().percentile_ms(50), None);
    }
}
