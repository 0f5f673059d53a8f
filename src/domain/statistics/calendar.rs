//! The hospital's hours and days.

use std::str::FromStr;

use jiff::{RoundMode, ToSpan, Unit, Zoned, ZonedRound, tz::TimeZone};

use crate::domain::Timestamp;

/// The error of a text that names no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time zone is a name of the IANA database such as Asia/Shanghai")]
pub struct BadTimeZone;

/// The interval of a trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Granularity {
    Hour,
    Day,
}

impl Granularity {
    /// Returns the name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Granularity::Hour => "hour",
            Granularity::Day => "day",
        }
    }
}

impl FromStr for Granularity {
    type Err = UnknownGranularity;
    fn from_str(text: &str) -> Result<Self, UnknownGranularity> {
        [Granularity::Hour, Granularity::Day]
            .into_iter()
            .find(|granularity| granularity.as_str() == text)
            .ok_or(UnknownGranularity)
    }
}

/// The error of a text that names no granularity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be hour or day")]
pub struct UnknownGranularity;

/// A time, or a whole day in the hospital's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrDay {
    At(Timestamp),
    Day(jiff::civil::Date),
}

/// The error of a text that is neither a time nor a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time such as 2024-05-01T08:00:00Z, or a day such as 2024-05-01")]
pub struct UnknownTime;

impl FromStr for TimeOrDay {
    type Err = UnknownTime;
    fn from_str(text: &str) -> Result<Self, UnknownTime> {
        // In a query a plus sign is a space.
        if let Ok(moment) = text.replace(' ', "+").parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp(moment.as_millisecond())));
        }
        text.parse().map(Self::Day).map_err(|_| UnknownTime)
    }
}

impl TimeOrDay {
    /// Returns whether this ends before the other begins, as far as that is the same in every time
    /// zone.
    #[must_use]
    pub fn is_after(self, other: Self) -> bool {
        match (self, other) {
            (Self::At(one), Self::At(other)) => one > other,
            (Self::Day(one), Self::Day(other)) => one > other,
            _ => false,
        }
    }
}

/// The hours and days in the hospital's time zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    name: String,
}

impl Calendar {
    /// Returns the calendar of a time zone of the IANA database.
    ///
    /// # Errors
    /// When there is no such time zone.
    pub fn of(name: &str) -> Result<Self, BadTimeZone> {
        let zone = TimeZone::get(name).map_err(|_| BadTimeZone)?;
        Ok(Self {
            zone,
            name: name.to_owned(),
        })
    }

    /// Returns the calendar of UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            zone: TimeZone::UTC,
            name: "UTC".to_owned(),
        }
    }

    /// Returns the time zone's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned(self.zone.clone())
    }

    /// Returns the start of the hour or day of this time.
    #[must_use]
    pub fn start(&self, granularity: Granularity, at: Timestamp) -> Timestamp {
        let here = self.zoned(at);
        let start = match granularity {
            Granularity::Hour => here.round(
                ZonedRound::new()
                    .smallest(Unit::Hour)
                    .mode(RoundMode::Trunc),
            ),
            Granularity::Day => here.start_of_day(),
        };
        start.map_or(at, |start| Timestamp(start.timestamp().as_millisecond()))
    }

    /// Returns its first millisecond.
    #[must_use]
    pub fn first(&self, when: TimeOrDay) -> Timestamp {
        match when {
            TimeOrDay::At(moment) => moment,
            // A day may begin later than at midnight, if the clock is put forward then.
            TimeOrDay::Day(day) => day
                .to_zoned(self.zone.clone())
                .and_then(|day| day.start_of_day())
                .map_or(Timestamp(i64::MAX), |start| {
                    Timestamp(start.timestamp().as_millisecond())
                }),
        }
    }

    /// Returns its last millisecond, also for a day of 23 or 25 hours.
    #[must_use]
    pub fn last(&self, when: TimeOrDay) -> Timestamp {
        match when {
            TimeOrDay::At(moment) => moment,
            TimeOrDay::Day(day) => day.tomorrow().map_or(Timestamp(i64::MAX), |next| {
                Timestamp(self.first(TimeOrDay::Day(next)).0.saturating_sub(1))
            }),
        }
    }

    /// Returns the day on the calendar, in a spreadsheet's format.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%d").to_string()
    }

    /// Returns the day and the time on the clock, to the second, in a spreadsheet's format.
    #[must_use]
    pub fn day_and_time(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Returns the hour on the clock, 0 to 23.
    #[must_use]
    pub fn hour(&self, at: Timestamp) -> u32 {
        u32::try_from(self.zoned(at).hour()).unwrap_or(0)
    }

    /// Returns the start of the day `days - 1` days before today's: with today, `days` days.
    #[must_use]
    pub fn days_back(&self, now: Timestamp, days: u64) -> Timestamp {
        let back = i64::try_from(days.saturating_sub(1)).unwrap_or(0);
        let start = self
            .zoned(now)
            .checked_sub(back.days())
            .and_then(|day| day.start_of_day());
        start.map_or(now, |start| Timestamp(start.timestamp().as_millisecond()))
    }

    /// Returns the time that a user's text stands for: RFC 3339, or a day here (`2024-05-01`). A
    /// day stands for its start, or for its last millisecond if `is_end`.
    #[must_use]
    pub fn moment(&self, text: &str, is_end: bool) -> Option<Timestamp> {
        // In a query a plus sign is a space.
        if let Ok(moment) = text.replace(' ', "+").parse::<jiff::Timestamp>() {
            return Some(Timestamp(moment.as_millisecond()));
        }
        let day = text.parse::<jiff::civil::Date>().ok()?;
        let day = if is_end { day.tomorrow().ok()? } else { day };
        let start = day
            .to_zoned(self.zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond();
        Some(Timestamp(if is_end { start - 1 } else { start }))
    }

    /// Returns a time on the local clock, with its offset from UTC.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
    }

    /// Returns the starts of all hours or days from `from` to `to`, both included.
    #[must_use]
    pub fn starts(
        &self,
        granularity: Granularity,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<Timestamp> {
        let mut starts = Vec::new();
        let mut start = self.start(granularity, from);
        while start <= to {
            starts.push(start);
            let here = self.zoned(start);
            // Noon is on the next day wherever a day has 23 to 25 hours.
            let next = match granularity {
                Granularity::Hour => here.checked_add(1.hour()),
                Granularity::Day => here.checked_add(36.hours()),
            };
            let Ok(next) = next else { break };
            let next = self.start(granularity, Timestamp(next.timestamp().as_millisecond()));
            if next <= start {
                break;
            }
            start = next;
        }
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_night_shift_in_shanghai_falls_on_its_own_day() {
        let calendar = Calendar::of("Asia/Shanghai").unwrap();
        let moment = at("2026-03-01T17:40:00Z");
        assert_eq!(
            calendar.start(Granularity::Day, moment),
            at("2026-03-01T16:00:00Z")
        );
        assert_eq!(
            calendar.start(Granularity::Hour, moment),
            at("2026-03-01T17:00:00Z")
        );
        assert_eq!(calendar.hour(moment), 1);
        assert_eq!(calendar.days_back(moment, 1), at("2026-03-01T16:00:00Z"));
        assert_eq!(calendar.days_back(moment, 7), at("2026-02-23T16:00:00Z"));
    }

    #[test]
    fn days_with_23_and_25_hours_are_whole_and_come_once() {
        let calendar = Calendar::of("Europe/Berlin").unwrap();
        let days = calendar.starts(
            Granularity::Day,
            at("2026-03-28T10:00:00Z"),
            at("2026-03-30T10:00:00Z"),
        );
        assert_eq!(
            days,
            [
                at("2026-03-27T23:00:00Z"),
                at("2026-03-28T23:00:00Z"),
                at("2026-03-29T22:00:00Z")
            ]
        );
        let autumn = (at("2026-10-24T22:00:00Z"), at("2026-10-25T22:59:00Z"));
        assert_eq!(
            calendar.starts(Granularity::Hour, autumn.0, autumn.1).len(),
            25
        );
        assert_eq!(
            calendar.starts(Granularity::Day, autumn.0, autumn.1).len(),
            1
        );
    }

    #[test]
    fn a_bare_day_is_the_hospitals() {
        let day = |text: &str| text.parse::<TimeOrDay>().unwrap();
        for (zone, text, first, last) in [
            (
                "UTC",
                "2026-11-29",
                "2026-11-29T00:00:00Z",
                "2026-11-29T23:59:59.999Z",
            ),
            (
                "Asia/Shanghai",
                "2026-11-29",
                "2026-11-28T16:00:00Z",
                "2026-11-29T15:59:59.999Z",
            ),
            (
                "Europe/Berlin",
                "2026-03-29",
                "2026-03-28T23:00:00Z",
                "2026-03-29T21:59:59.999Z",
            ),
            (
                "Europe/Berlin",
                "2026-10-25",
                "2026-10-24T22:00:00Z",
                "2026-10-25T22:59:59.999Z",
            ),
            (
                "America/Santiago",
                "2026-09-06",
                "2026-09-06T04:00:00Z",
                "2026-09-07T02:59:59.999Z",
            ),
            (
                "Asia/Shanghai",
                "2026-11-29T08:00:00 08:00",
                "2026-11-29T00:00:00Z",
                "2026-11-29T00:00:00Z",
            ),
        ] {
            let calendar = Calendar::of(zone).unwrap();
            assert_eq!(
                (calendar.first(day(text)), calendar.last(day(text))),
                (at(first), at(last)),
                "{zone} {text}"
            );
        }
        for bad in ["yesterday", "2026-02-30", "", "29.11.2026"] {
            assert!(bad.parse::<TimeOrDay>().is_err(), "{bad}");
        }
        let berlin = Calendar::of("Europe/Berlin").unwrap();
        assert_eq!(
            berlin.day_and_time(at("2026-10-25T22:30:00Z")),
            "2026-10-25 23:30:00"
        );
        assert_eq!(berlin.day(at("2026-10-25T23:30:00Z")), "2026-10-26");
    }

    #[test]
    fn half_hour_zones_have_their_own_hours() {
        let calendar = Calendar::of("Asia/Kolkata").unwrap();
        assert_eq!(
            calendar.start(Granularity::Hour, at("2026-01-01T10:15:00Z")),
            at("2026-01-01T09:30:00Z")
        );
        assert!(Calendar::of("Ward/Seven").is_err());
    }
}
