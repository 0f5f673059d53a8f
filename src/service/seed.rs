//! The demonstration hospital of `seed/`: its staff and what they wrote to each other during the last
//! finished day shift. Loading it again changes nothing.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{NewAccount, Services, import::Past};
use crate::domain::{
    Error, Result, Timestamp, UserId,
    session::Session,
    user::{Role, User},
};

/// The password of every demonstration account.
pub const DEMO_PASSWORD: &str = "wardline-demo";

const HOSPITAL: &str = include_str!("../../seed/hospital.json");
const STAFF: &str = include_str!("../../seed/staff.json");
const SESSIONS: &str = include_str!("../../seed/sessions.json");

/// The day shift: from 07:00 to 19:00.
const SHIFT_START: Duration = Duration::from_hours(7);
const SHIFT_END: Duration = Duration::from_hours(19);
const DAY_MS: i64 = 86_400_000;

#[derive(Deserialize)]
struct Hospital {
    departments: Vec<Department>,
}

#[derive(Deserialize)]
struct Department {
    code: String,
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    username: String,
    real_name: String,
    role: String,
    department: String,
    title: String,
    email: String,
    phone: String,
    avatar: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    between: [String; 2],
    read_up_to: BTreeMap<String, u64>,
    messages: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    from: String,
    minute: u64,
    text: String,
}

fn parse<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        tracing::error!(name, %error, "a seed file cannot be read");
        Error::Internal
    })
}

/// When the last day shift that is over began.
fn last_shift(now: Timestamp) -> Timestamp {
    let midnight = Timestamp(now.0.div_euclid(DAY_MS) * DAY_MS);
    let over = midnight.plus(SHIFT_END) <= now;
    let day = if over { midnight } else { Timestamp(midnight.0 - DAY_MS) };
    day.plus(SHIFT_START)
}

impl Services {
    /// Loads the demonstration hospital; answers its people.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn seed_demonstration(&self) -> Result<Vec<User>> {
        let hospital: Hospital = parse("hospital.json", HOSPITAL)?;
        let staff: Vec<Person> = parse("staff.json", STAFF)?;
        let conversations: Vec<Conversation> = parse("sessions.json", SESSIONS)?;
        let mut people: BTreeMap<String, User> = BTreeMap::new();
        for person in staff {
            let username = person.username.clone();
            people.insert(username, self.seed_person(person, &hospital.departments).await?);
        }
        let shift = last_shift(self.clock.now());
        for (index, conversation) in conversations.iter().enumerate() {
            self.seed_conversation(index, conversation, &people, shift).await?;
        }
        Ok(people.into_values().collect())
    }

    async fn seed_person(&self, person: Person, departments: &[Department]) -> Result<User> {
        if let Some(known) = self.store.user_named(&person.username).await? {
            return Ok(known.user);
        }
        let department = departments.iter().find(|department| department.code == person.department);
        let chinese = person.real_name.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let new = NewAccount {
            username: person.username,
            password: DEMO_PASSWORD.to_owned(),
            real_name: person.real_name,
            role: person.role.parse().unwrap_or(Role::User),
            email: person.email,
            phone: person.phone,
            avatar: person.avatar,
            department: department
                .map_or(person.department, |d| if chinese { d.zh.clone() } else { d.en.clone() }),
            title: person.title,
        };
        let hash = self.passwords.hash(new.password.clone()).await?;
        let account = new.into_account(hash, self.clock.now());
        self.store.insert_user(&account).await?;
        Ok(account.user)
    }

    async fn seed_conversation(
        &self,
        index: usize,
        conversation: &Conversation,
        people: &BTreeMap<String, User>,
        shift: Timestamp,
    ) -> Result<()> {
        let id = |name: &String| people.get(name).map(|user| user.id).ok_or(Error::NotFound("user"));
        let (first, second): (UserId, UserId) =
            (id(&conversation.between[0])?, id(&conversation.between[1])?);
        let (session, _) = self.store.private_session(Session::private(first, second, shift)).await?;
        if session.seq > 0 {
            return Ok(());
        }
        let mut past = Past::of(session);
        let mut end = shift;
        for (number, line) in conversation.messages.iter().enumerate() {
            let sender = id(&line.from)?;
            end = shift.plus(Duration::from_secs(line.minute * 60));
            // Who answers has read what came before.
            past.read(sender, number as u64, end)?;
            let client_msg_id = format!("seed-{index}-{}", number + 1);
            past.write(sender, line.text.clone(), Some(client_msg_id), end)?;
        }
        for (name, seq) in &conversation.read_up_to {
            past.read(id(name)?, *seq, end.plus(Duration::from_secs(90)))?;
        }
        self.store_past(past).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_shift_is_over() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(last_shift(at("2026-03-05T20:00:00Z")), at("2026-03-05T07:00:00Z"));
        assert_eq!(last_shift(at("2026-03-05T18:59:59Z")), at("2026-03-04T07:00:00Z"));
    }

    #[test]
    fn the_seed_files_fit_together() {
        let staff: Vec<Person> = parse("staff.json", STAFF).unwrap();
        let hospital: Hospital = parse("hospital.json", HOSPITAL).unwrap();
        let conversations: Vec<Conversation> = parse("sessions.json", SESSIONS).unwrap();
        for person in &staff {
            assert!(crate::domain::user::is_valid_username(&person.username));
            assert!(hospital.departments.iter().any(|d| d.code == person.department), "{}", person.username);
            assert!(person.role.parse::<Role>().is_ok());
        }
        for conversation in &conversations {
            for name in conversation.between.iter().chain(conversation.messages.iter().map(|line| &line.from))
            {
                assert!(staff.iter().any(|person| person.username == *name), "{name}");
            }
        }
    }
}
