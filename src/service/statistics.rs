//! The statistics of the whole hospital, for admins: messages by user and time, response times, and
//! unread messages. Everything is read from the rollups, which are updated first.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Services, audit::AuditedAction, directory::paginate_by_username};
use crate::{
    domain::{
        Error, Field, Result, Timestamp,
        access::{Action, Actor},
        cursors::{NameCursor, PageRequest},
        error::FieldErrors,
        paging::Pagination,
        presence::Status,
        search_keys::key_of,
        statistics::{Granularity, MessageTally, Responses},
        user::{User, department_of, username_key},
    },
    store::statistics::PersonSum,
};

/// The days of the response times and of the dashboard's other short periods, today included.
const RECENT_DAYS: u64 = 7;
/// The most days of a trend by the hour.
const MAX_HOURLY_DAYS: u64 = 31;

/// The overall statistics.
#[derive(Debug, Clone)]
pub struct Overview {
    pub accounts: u64,
    pub active_accounts: u64,
    pub online: u64,
    pub away: u64,
    pub private_sessions: u64,
    pub groups: u64,
    /// Since the start.
    pub all: MessageTally,
    /// Since midnight.
    pub today: MessageTally,
    /// Of the last seven days.
    pub responses: Responses,
    /// The unread messages of all users and conversations.
    pub unread: u64,
    /// The users who have unread messages.
    pub people_with_unread: u64,
    pub at: Timestamp,
    pub time_zone: String,
}

/// An hour or a day of a trend.
#[derive(Debug, Clone)]
pub struct Period {
    pub start: Timestamp,
    pub tally: MessageTally,
}

/// One department.
#[derive(Debug, Clone, Default)]
pub struct DepartmentStatistics {
    pub name: String,
    /// The number of active accounts.
    pub people: u64,
    /// The number of users that are online or away.
    pub present: u64,
    pub messages: u64,
    /// The number of users who sent a message.
    pub active_people: u64,
    pub unread: u64,
    pub responses: Responses,
}

/// One user.
#[derive(Debug, Clone)]
pub struct PersonStatistics {
    pub user: User,
    pub sum: PersonSum,
    pub unread: u64,
}

/// The order of a list of users, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PeopleOrder {
    #[default]
    Messages,
    Unread,
    /// The longest median first.
    Response,
    /// By username: the only order that is stable during paging, and that has cursors.
    Name,
}

impl std::str::FromStr for PeopleOrder {
    type Err = UnknownOrder;
    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        match text {
            "messages" => Ok(Self::Messages),
            "unread" => Ok(Self::Unread),
            "response" => Ok(Self::Response),
            "name" => Ok(Self::Name),
            _ => Err(UnknownOrder),
        }
    }
}

/// The error of a text that names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be messages, unread, response or name")]
pub struct UnknownOrder;

impl Services {
    /// Returns the overall statistics.
    ///
    /// # Errors
    /// `Forbidden` for all but admins.
    #[tracing::instrument(name = "statistics.get_overview", level = "debug", skip_all)]
    pub async fn overview(&self, actor: &Actor) -> Result<Overview> {
        actor.require(Action::ReadStatistics)?;
        self.count_now().await?;
        let now = self.clock.now();
        let calendar = self.calendar();
        let today = calendar.start(Granularity::Day, now);
        let recent = calendar.days_back(now, RECENT_DAYS);
        let (totals, days, unread, (accounts, active_accounts), present) = tokio::try_join!(
            self.store.statistics_of_all_time(),
            self.store
                .statistics_of_periods(Granularity::Day, recent, today),
            self.store.unread_of_all(),
            self.store.count_users(),
            self.users_online(actor),
        )?;
        let mut responses = Responses::default();
        for day in days.values() {
            responses.add(&day.responses);
        }
        let count = |status| present.iter().filter(|user| user.status == status).count() as u64;
        Ok(Overview {
            accounts,
            active_accounts,
            online: count(Status::Online),
            away: count(Status::Away),
            private_sessions: totals.private,
            groups: totals.groups,
            all: totals.tally,
            today: days.get(&today).cloned().unwrap_or_default(),
            responses,
            unread: unread.values().sum(),
            people_with_unread: unread.len() as u64,
            at: now,
            time_zone: calendar.name().to_owned(),
        })
    }

    /// Returns every hour or day of the last `days` days, today included, up to now.
    ///
    /// # Errors
    /// `Forbidden` for all but admins; `Validation` for hours of more than 31 days.
    #[tracing::instrument(name = "statistics.list_trends", level = "debug", skip_all)]
    pub async fn trends(
        &self,
        actor: &Actor,
        days: u64,
        granularity: Granularity,
    ) -> Result<Vec<Period>> {
        actor.require(Action::ReadStatistics)?;
        if granularity == Granularity::Hour && days > MAX_HOURLY_DAYS {
            return Err(Error::Validation(FieldErrors::one(
                Field::Days,
                "must be at most 31 by the hour",
            )));
        }
        self.count_now().await?;
        let now = self.clock.now();
        let from = self.calendar().days_back(now, days);
        let mut tallies = self
            .store
            .statistics_of_periods(granularity, from, now)
            .await?;
        let starts = self.calendar().starts(granularity, from, now).into_iter();
        Ok(starts
            .map(|start| Period {
                start,
                tally: tallies.remove(&start).unwrap_or_default(),
            })
            .collect())
    }

    /// Returns every department over the last `days` days, by messages sent. Users without a
    /// department are in the one without a name. Users count for their present department.
    ///
    /// # Errors
    /// `Forbidden` for all but admins.
    #[tracing::instrument(name = "statistics.list_departments", level = "debug", skip_all)]
    pub async fn departments(&self, actor: &Actor, days: u64) -> Result<Vec<DepartmentStatistics>> {
        actor.require(Action::ReadStatistics)?;
        let mut departments: BTreeMap<String, DepartmentStatistics> = BTreeMap::new();
        let mut people = self.all_people(days).await?;
        // Spelling variants are one department, named as it was first written.
        people.sort_by_key(|person| (person.user.created_at, person.user.id));
        for person in people {
            let name = department_of(&person.user.department);
            let department =
                departments
                    .entry(key_of(&name))
                    .or_insert_with(|| DepartmentStatistics {
                        name,
                        ..DepartmentStatistics::default()
                    });
            department.people += u64::from(person.user.is_active);
            department.present +=
                u64::from(person.user.is_active && person.user.status != Status::Offline);
            department.messages += person.sum.sent;
            // Messages stay counted; users count only while active in the department.
            department.active_people += u64::from(person.user.is_active && person.sum.sent > 0);
            department.unread += person.unread;
            department.responses.add(&person.sum.responses);
        }
        let mut departments: Vec<DepartmentStatistics> = departments.into_values().collect();
        departments.sort_by_key(|department| Reverse(department.messages));
        Ok(departments)
    }

    /// Returns a page of all users over the last `days` days, or those behind a cursor. The read is
    /// audited.
    ///
    /// # Errors
    /// `Forbidden` for all but admins.
    #[tracing::instrument(name = "statistics.list_people", level = "debug", skip_all)]
    pub async fn people_statistics(
        &self,
        actor: &Actor,
        days: u64,
        order: PeopleOrder,
        request: &PageRequest<NameCursor>,
    ) -> Result<(Vec<PersonStatistics>, Pagination)> {
        actor.require(Action::ReadStatistics)?;
        self.record(AuditedAction::by(actor, "stats.people"))
            .await?;
        let mut people = self.all_people(days).await?;
        people.sort_by_cached_key(|person| {
            let first = match order {
                PeopleOrder::Messages => person.sum.sent,
                PeopleOrder::Unread => person.unread,
                PeopleOrder::Response => person.sum.responses.percentile_ms(50).unwrap_or(0),
                PeopleOrder::Name => 0,
            };
            (Reverse(first), username_key(&person.user.username))
        });
        let total = people.len() as u64;
        if let Some(NameCursor(name)) = &request.cursor {
            people.retain(|person| username_key(&person.user.username) > *name);
        }
        let window = request.window();
        let skip = usize::try_from(window.skip()).unwrap_or(usize::MAX);
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let mut people: Vec<PersonStatistics> = people.into_iter().skip(skip).take(limit).collect();
        let pagination =
            paginate_by_username(request, &mut people, total, |person| &person.user.username);
        // Counts change during paging: such an order has no stable positions.
        let next = pagination
            .next
            .clone()
            .filter(|_| order == PeopleOrder::Name);
        Ok((people, Pagination { next, ..pagination }))
    }

    /// Returns all accounts, including those that are inactive now but were active.
    async fn all_people(&self, days: u64) -> Result<Vec<PersonStatistics>> {
        self.count_now().await?;
        let from = self.calendar().days_back(self.clock.now(), days);
        let (mut users, mut sums, mut unread) = tokio::try_join!(
            self.store.all_users(),
            self.store.statistics_of_people(from),
            self.store.unread_of_all(),
        )?;
        self.overlay_presence(&mut users);
        let person = |user: User| PersonStatistics {
            sum: sums.remove(&user.id).unwrap_or_default(),
            unread: unread.remove(&user.id).unwrap_or(0),
            user,
        };
        Ok(users.into_iter().map(person).collect())
    }
}
