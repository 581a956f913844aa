//! Numbers: percentiles, ratios, rounding for print.

use std::time::Duration;

use serde::Serialize;

/// Percentiles of a list of measurements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Half are at most this.
    pub p50: f64,
    /// Nine of ten are.
    pub p90: f64,
    /// 99 of 100 are.
    pub p99: f64,
    /// All are.
    pub max: f64,
}

impl Spread {
    /// The percentiles of these; all zero for none.
    pub fn of(values: &mut [f64]) -> Spread {
        values.sort_by(f64::total_cmp);
        let at = |hundredths: usize| {
            let last = values.len().saturating_sub(1);
            values.get(last.saturating_mul(hundredths) / 100).copied().unwrap_or(0.0)
        };
        Spread { count: values.len(), p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

/// A duration in µs.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// `part / whole`; 0 of nothing.
pub fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// A count as a number to reckon with; counts here stay far below 2^53.
pub fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_list() {
        let mut values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        let spread = Spread::of(&mut values);
        assert_eq!((spread.count, spread.p50, spread.p90), (101, 50.0, 90.0));
        assert_eq!((spread.p99, spread.max), (99.0, 100.0));
        assert_eq!(Spread::of(&mut []), Spread::default());
        assert_eq!(ratio(1.0, 0.0), 0.0);
    }
}
