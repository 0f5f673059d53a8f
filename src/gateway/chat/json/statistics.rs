//! The hospital's statistics, as JSON and as rows of a table.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        Timestamp, UserId,
        message::MessageType,
        statistics::{Calendar, Granularity, MessageTally, Responses},
    },
    service::{DepartmentStatistics, Overview, Period, PersonStatistics},
};

/// A list of statistics as a table for spreadsheets.
pub trait Row {
    /// The columns' names.
    const COLUMNS: &'static [&'static str];
    /// Returns one row, with the days and times of the hospital's calendar.
    fn cells(&self, calendar: &Calendar) -> Vec<String>;
}

fn text_or_empty(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// How long answers took: from a user's first unanswered message to the next message of another user
/// in that session.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponseTime)]
pub struct ResponseTimeJson {
    /// Milliseconds, within 2.5%; null without answers.
    median_ms: Option<u64>,
    /// Nine of ten answers took no longer.
    p90_ms: Option<u64>,
    /// How many answers.
    count: u64,
}

impl From<&Responses> for ResponseTimeJson {
    fn from(responses: &Responses) -> Self {
        Self {
            median_ms: responses.percentile_ms(50),
            p90_ms: responses.percentile_ms(90),
            count: responses.count(),
        }
    }
}

/// Users: accounts and presence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserTotals)]
pub struct UserTotalsJson {
    /// All accounts.
    total: u64,
    /// Those that are not deactivated.
    active: u64,
    online: u64,
    away: u64,
}

/// Sessions by type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionTotals)]
pub struct SessionTotalsJson {
    total: u64,
    private: u64,
    group: u64,
}

/// Messages ever written (what was deleted since counts, too; a group's notes about itself do not).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageTotals)]
pub struct MessageTotalsJson {
    total: u64,
    /// Since midnight in the hospital's time zone.
    today: u64,
    /// By `text`, `image`, `file`, `voice`.
    by_type: BTreeMap<&'static str, u64>,
}

/// Unread messages of all users in all sessions, now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnreadBacklog)]
pub struct UnreadBacklogJson {
    total: u64,
    /// How many users have any.
    people: u64,
}

/// Overall statistics.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Overview)]
pub struct OverviewJson {
    users: UserTotalsJson,
    sessions: SessionTotalsJson,
    messages: MessageTotalsJson,
    unread: UnreadBacklogJson,
    /// Of the last seven days.
    response_time: ResponseTimeJson,
    /// Who has written something today.
    active_today: u64,
    /// The hospital's time zone (IANA), which its days follow.
    time_zone: String,
    #[schema(value_type = String, format = DateTime)]
    generated_at: Timestamp,
}

impl From<Overview> for OverviewJson {
    fn from(overview: Overview) -> Self {
        let by_type = MessageType::ALL
            .iter()
            .map(|kind| kind.as_str())
            .zip(overview.all.by_kind);
        Self {
            users: UserTotalsJson {
                total: overview.accounts,
                active: overview.active_accounts,
                online: overview.online,
                away: overview.away,
            },
            sessions: SessionTotalsJson {
                total: overview.private_sessions + overview.groups,
                private: overview.private_sessions,
                group: overview.groups,
            },
            messages: MessageTotalsJson {
                total: overview.all.messages,
                today: overview.today.messages,
                by_type: by_type.collect(),
            },
            unread: UnreadBacklogJson {
                total: overview.unread,
                people: overview.people_with_unread,
            },
            response_time: ResponseTimeJson::from(&overview.responses),
            active_today: overview.today.people,
            time_zone: overview.time_zone,
            generated_at: overview.at,
        }
    }
}

impl Row for OverviewJson {
    const COLUMNS: &'static [&'static str] = &[
        "generatedAt",
        "users",
        "activeUsers",
        "online",
        "away",
        "sessions",
        "privateSessions",
        "groups",
        "messages",
        "messagesToday",
        "activeToday",
        "unread",
        "peopleWithUnread",
        "responseMedianMs",
        "responseP90Ms",
    ];
    fn cells(&self, calendar: &Calendar) -> Vec<String> {
        let mut cells = vec![calendar.day_and_time(self.generated_at)];
        let (users, sessions, messages) = (&self.users, &self.sessions, &self.messages);
        let numbers = [
            users.total,
            users.active,
            users.online,
            users.away,
            sessions.total,
            sessions.private,
            sessions.group,
            messages.total,
            messages.today,
            self.active_today,
            self.unread.total,
            self.unread.people,
        ];
        cells.extend(numbers.iter().map(u64::to_string));
        cells.extend([
            text_or_empty(self.response_time.median_ms),
            text_or_empty(self.response_time.p90_ms),
        ]);
        cells
    }
}

/// An hour or a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TrendPeriod)]
pub struct PeriodJson {
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    #[serde(skip)]
    granularity: Granularity,
    messages: u64,
    /// Who wrote something.
    active_people: u64,
    /// Milliseconds; null without answers.
    response_median_ms: Option<u64>,
    response_p90_ms: Option<u64>,
}

impl PeriodJson {
    /// Converts a period of a trend with this granularity.
    pub fn of(period: Period, granularity: Granularity) -> Self {
        let MessageTally {
            messages,
            people,
            responses,
            by_kind: _,
        } = period.tally;
        Self {
            start: period.start,
            granularity,
            messages,
            active_people: people,
            response_median_ms: responses.percentile_ms(50),
            response_p90_ms: responses.percentile_ms(90),
        }
    }
}

impl Row for PeriodJson {
    const COLUMNS: &'static [&'static str] = &[
        "start",
        "messages",
        "activePeople",
        "responseMedianMs",
        "responseP90Ms",
    ];
    fn cells(&self, calendar: &Calendar) -> Vec<String> {
        let start = match self.granularity {
            Granularity::Day => calendar.day(self.start),
            Granularity::Hour => calendar.day_and_time(self.start),
        };
        vec![
            start,
            self.messages.to_string(),
            self.active_people.to_string(),
            text_or_empty(self.response_median_ms),
            text_or_empty(self.response_p90_ms),
        ]
    }
}

/// A department.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DepartmentStatistics)]
pub struct DepartmentJson {
    /// Empty for people without one.
    department: String,
    /// Active accounts.
    people: u64,
    /// Online or away, now.
    online: u64,
    messages: u64,
    /// Who wrote something.
    active_people: u64,
    /// Their unread messages, now.
    unread: u64,
    /// Milliseconds; null without answers.
    response_median_ms: Option<u64>,
    response_p90_ms: Option<u64>,
}

impl From<DepartmentStatistics> for DepartmentJson {
    fn from(department: DepartmentStatistics) -> Self {
        Self {
            people: department.people,
            online: department.present,
            messages: department.messages,
            active_people: department.active_people,
            unread: department.unread,
            response_median_ms: department.responses.percentile_ms(50),
            response_p90_ms: department.responses.percentile_ms(90),
            department: department.name,
        }
    }
}

impl Row for DepartmentJson {
    const COLUMNS: &'static [&'static str] = &[
        "department",
        "people",
        "online",
        "messages",
        "activePeople",
        "unread",
        "responseMedianMs",
        "responseP90Ms",
    ];
    fn cells(&self, _: &Calendar) -> Vec<String> {
        let numbers = [
            self.people,
            self.online,
            self.messages,
            self.active_people,
            self.unread,
        ];
        let mut cells = vec![self.department.clone()];
        cells.extend(numbers.iter().map(u64::to_string));
        cells.extend([
            text_or_empty(self.response_median_ms),
            text_or_empty(self.response_p90_ms),
        ]);
        cells
    }
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PersonStatistics)]
pub struct PersonStatisticsJson {
    #[schema(value_type = String)]
    user_id: UserId,
    username: String,
    real_name: String,
    role: &'static str,
    department: String,
    is_active: bool,
    /// Messages written.
    sent: u64,
    /// Answers given.
    answers: u64,
    /// Milliseconds their answers took; null without answers.
    response_median_ms: Option<u64>,
    response_p90_ms: Option<u64>,
    /// Their unread messages, now.
    unread: u64,
    /// Their newest message of these days.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_active: Option<Timestamp>,
}

impl From<PersonStatistics> for PersonStatisticsJson {
    fn from(person: PersonStatistics) -> Self {
        Self {
            user_id: person.user.id,
            username: person.user.username,
            real_name: person.user.real_name,
            role: person.user.role.as_str(),
            department: person.user.department,
            is_active: person.user.is_active,
            sent: person.sum.sent,
            answers: person.sum.responses.count(),
            response_median_ms: person.sum.responses.percentile_ms(50),
            response_p90_ms: person.sum.responses.percentile_ms(90),
            unread: person.unread,
            last_active: person.sum.last,
        }
    }
}

impl Row for PersonStatisticsJson {
    const COLUMNS: &'static [&'static str] = &[
        "userId",
        "username",
        "realName",
        "role",
        "department",
        "isActive",
        "sent",
        "answers",
        "responseMedianMs",
        "responseP90Ms",
        "unread",
        "lastActive",
    ];
    fn cells(&self, calendar: &Calendar) -> Vec<String> {
        vec![
            self.user_id.to_string(),
            self.username.clone(),
            self.real_name.clone(),
            self.role.to_owned(),
            self.department.clone(),
            self.is_active.to_string(),
            self.sent.to_string(),
            self.answers.to_string(),
            text_or_empty(self.response_median_ms),
            text_or_empty(self.response_p90_ms),
            self.unread.to_string(),
            text_or_empty(self.last_active.map(|at| calendar.day_and_time(at))),
        ]
    }
}
