//! Time in this service: whole milliseconds UTC, written as RFC 3339. The database has its own form,
//! which is made in the store.

use std::{fmt, pin::Pin, str::FromStr, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns this time plus `duration`, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns this time minus `duration`, saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns whole seconds since the epoch, rounded down (JWT's `NumericDate`, RFC 7519).
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the duration from `earlier` to this; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = NoTime;
    fn from_str(text: &str) -> Result<Self, NoTime> {
        text.parse()
            .map(|time: jiff::Timestamp| Self(time.as_millisecond()))
            .map_err(|_| NoTime)
    }
}

/// The error of a text that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time (RFC 3339)")]
pub struct NoTime;

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A wait that a [`Clock`] ends.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The source of the time, and of every wait of background work. Tests use one that they advance.
pub trait Clock: Send + Sync + 'static {
    /// Returns the present time.
    fn now(&self) -> Timestamp;

    /// Returns a wait of this duration from now.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The machine's own clock. The domain waits for nothing, so `app` implements [`Clock`] for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A repeated wait: the first tick comes at once, and each further one a period after the last was
/// taken. Late ticks are not made up for.
pub struct Ticks {
    clock: Arc<dyn Clock>,
    period: Duration,
    /// `None` before the first tick.
    next: Option<Sleep>,
}

impl Ticks {
    /// The shortest period; a loop never spins.
    const MIN_PERIOD: Duration = Duration::from_millis(1);

    /// Returns ticks of this clock.
    #[must_use]
    pub fn new(clock: &Arc<dyn Clock>, period: Duration) -> Self {
        Self {
            clock: Arc::clone(clock),
            period: period.max(Self::MIN_PERIOD),
            next: None,
        }
    }

    /// Waits for the next tick. A wait that is dropped before its end goes on at the next call.
    pub async fn tick(&mut self) {
        if let Some(next) = &mut self.next {
            next.await;
        }
        self.next = Some(self.clock.sleep(self.period));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_utc_with_milliseconds() {
        assert_eq!(
            Timestamp(1_704_067_200_000).to_string(),
            "2024-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp(1_704_067_200_007).to_string(),
            "2024-01-01T00:00:00.007Z"
        );
        let json = serde_json::to_string(&Timestamp(5)).unwrap();
        assert_eq!(
            serde_json::from_str::<Timestamp>(&json).unwrap(),
            Timestamp(5)
        );
        assert_eq!(
            "2024-01-01T08:00:00.007+08:00".parse(),
            Ok(Timestamp(1_704_067_200_007))
        );
        for bad in ["", "2024-01-01", "yesterday", "1704067200007"] {
            assert_eq!(bad.parse::<Timestamp>(), Err(NoTime), "{bad:?}");
        }
    }
}
