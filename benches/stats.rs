//! Figures: percentiles, medians, and their text form.

/// Times in microseconds.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<u32>);

impl Times {
    pub fn push(&mut self, micros: u32) {
        self.0.push(micros);
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the time, in milliseconds, that `percent` of all did not exceed (nearest rank).
    pub fn percentile(&mut self, percent: f64) -> Option<f64> {
        self.0.sort_unstable();
        let rank = (percent / 100.0 * self.0.len() as f64).ceil().max(1.0) as usize;
        self.0
            .get(rank - 1)
            .map(|micros| f64::from(*micros) / 1_000.0)
    }
}

impl FromIterator<u32> for Times {
    fn from_iter<I: IntoIterator<Item = u32>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// Returns the middle value, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        Some(upper)
    } else {
        Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper))
    }
}

/// Formats a figure with its significant digits.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => thousands(value.round() as i64),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

/// A bench has no tests, so these parts are checked each time before they are used.
pub fn check() {
    let mut times: Times = (1..=200).map(|number| number * 1_000).collect();
    assert_eq!(times.percentile(50.0), Some(100.0));
    assert_eq!(times.percentile(99.0), Some(198.0));
    assert_eq!(Times::default().percentile(50.0), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    assert_eq!(median(&[]), None);
    assert_eq!(
        [figure(1_234_567.4), figure(45.67), figure(0.5)],
        ["1,234,567", "45.7", "0.50"]
    );
}
