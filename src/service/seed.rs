//! The demonstration hospital of `seed/`: its staff, and their messages of the last finished day
//! shift. Loading it again changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;

use super::{
    NewAccount, Services, import::ConversationImport, operator_grant, passwords::HashPriority,
};
use crate::domain::{
    ConversationId, Error, Result, Timestamp, UserId,
    avatar::Avatar,
    conversation::{Conversation, GroupProfile},
    message::{Draft, Message},
    message_parts::Mentions,
    user::{AccountKind, Role, User},
};

/// The password of every demonstration account.
pub const DEMO_PASSWORD: &str = "wardline-demo";

const HOSPITAL_JSON: &str = include_str!("../../seed/hospital.json");
const STAFF_JSON: &str = include_str!("../../seed/staff.json");
const CONVERSATIONS_JSON: &str = include_str!("../../seed/sessions.json");
const GROUPS_JSON: &str = include_str!("../../seed/groups.json");

/// The day shift: from 07:00 to 19:00.
const DAY_SHIFT_START: Duration = Duration::from_hours(7);
const DAY_SHIFT_END: Duration = Duration::from_hours(19);
const DAY_MS: i64 = 86_400_000;

#[derive(Deserialize)]
struct DemoHospital {
    departments: Vec<DemoDepartment>,
}

#[derive(Deserialize)]
struct DemoDepartment {
    code: String,
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DemoUser {
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
struct DemoConversation {
    between: [String; 2],
    read_up_to: BTreeMap<String, u64>,
    messages: Vec<DemoLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DemoGroup {
    /// The same id in every demonstration: nothing else distinguishes the groups.
    id: ConversationId,
    name: String,
    topic: String,
    owner: String,
    members: Vec<String>,
    read_up_to: BTreeMap<String, u64>,
    messages: Vec<DemoLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DemoLine {
    from: String,
    minute: u64,
    text: String,
    #[serde(default)]
    mentions: Vec<String>,
    /// The position of the message it replies to, from 1.
    #[serde(default)]
    reply_to: Option<usize>,
}

/// The demonstration's users by username.
type DemoUsers = BTreeMap<String, User>;

fn id(people: &DemoUsers, name: &str) -> Result<UserId> {
    people
        .get(name)
        .map(|user| user.id)
        .ok_or(Error::NotFound("user"))
}

fn ids(people: &DemoUsers, names: &[String]) -> Result<BTreeSet<UserId>> {
    names.iter().map(|name| id(people, name)).collect()
}

fn parse<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        tracing::error!(name, %error, "a seed file cannot be read");
        Error::Internal
    })
}

/// Returns the start of the last day shift that is over.
fn last_shift(now: Timestamp) -> Timestamp {
    let midnight = Timestamp(now.0.div_euclid(DAY_MS) * DAY_MS);
    let over = midnight.plus(DAY_SHIFT_END) <= now;
    let day = if over {
        midnight
    } else {
        Timestamp(midnight.0 - DAY_MS)
    };
    day.plus(DAY_SHIFT_START)
}

impl Services {
    /// Loads the demonstration hospital. Returns its active users, and how many users it created.
    ///
    /// # Errors
    /// `Forbidden` in production; when MongoDB does not answer.
    pub async fn seed_demonstration(&self) -> Result<(Vec<User>, usize)> {
        self.require_development()?;
        let hospital: DemoHospital = parse("hospital.json", HOSPITAL_JSON)?;
        let staff: Vec<DemoUser> = parse("staff.json", STAFF_JSON)?;
        let conversations: Vec<DemoConversation> = parse("sessions.json", CONVERSATIONS_JSON)?;
        let groups: Vec<DemoGroup> = parse("groups.json", GROUPS_JSON)?;
        let (mut people, mut made) = (DemoUsers::new(), 0);
        for person in staff {
            let username = person.username.clone();
            let (user, is_new) = self.seed_person(person, &hospital.departments).await?;
            made += usize::from(is_new);
            people.insert(username, user);
        }
        let shift = last_shift(self.clock.now());
        for (index, conversation) in conversations.iter().enumerate() {
            let [first, second] = &conversation.between;
            let pair = (id(&people, first)?, id(&people, second)?);
            let (session, _) = self
                .store
                .open_private_conversation(&operator_grant()?, pair.0, pair.1, shift)
                .await?;
            let DemoConversation {
                messages,
                read_up_to,
                ..
            } = conversation;
            self.seed_messages(
                session,
                &format!("seed-{index}"),
                messages,
                read_up_to,
                &people,
                shift,
            )
            .await?;
        }
        for (index, group) in groups.iter().enumerate() {
            let session = self.seed_group(group, &people, shift).await?;
            let name = format!("seed-group-{index}");
            self.seed_messages(
                session,
                &name,
                &group.messages,
                &group.read_up_to,
                &people,
                shift,
            )
            .await?;
        }
        Ok((
            people.into_values().filter(|user| user.is_active).collect(),
            made,
        ))
    }

    async fn seed_person(
        &self,
        person: DemoUser,
        departments: &[DemoDepartment],
    ) -> Result<(User, bool)> {
        if let Some(known) = self.store.user_by_username(&person.username).await? {
            if known.user.real_name != person.real_name || known.user.role.as_str() != person.role {
                tracing::warn!(
                    username = person.username,
                    "an account of this name was there before the demonstration; it keeps its password and its role"
                );
            }
            return Ok((known.user, false));
        }
        let department = departments
            .iter()
            .find(|department| department.code == person.department);
        let new = NewAccount {
            username: person.username,
            password: DEMO_PASSWORD.to_owned(),
            real_name: person.real_name,
            role: person.role.parse().unwrap_or(Role::User),
            account: AccountKind::STAFF,
            email: person.email,
            phone: person.phone,
            avatar: Avatar::from_text(person.avatar),
            // One department name for all its staff, whatever their language.
            department: department.map_or(person.department, |d| format!("{} {}", d.zh, d.en)),
            title: person.title,
        };
        let hash = self
            .passwords
            .hash(HashPriority::internal(), &new.password)
            .await?;
        let account = new.into_account(hash, self.clock.now());
        self.store.insert_user(&operator_grant()?, &account).await?;
        Ok((account.user, true))
    }

    /// Returns the group, which is created if it does not exist.
    async fn seed_group(
        &self,
        group: &DemoGroup,
        people: &DemoUsers,
        shift: Timestamp,
    ) -> Result<Conversation> {
        if let Some(known) = self.store.conversations_by_id(&[group.id]).await?.pop() {
            return Ok(known);
        }
        let profile = GroupProfile {
            name: group.name.clone(),
            topic: group.topic.clone(),
            ..GroupProfile::default()
        };
        let members = ids(people, &group.members)?;
        let number = self.store.next_conversation_number().await?;
        let session =
            Conversation::group(number, id(people, &group.owner)?, members, profile, shift);
        let session = Conversation {
            id: group.id,
            ..session
        };
        self.store
            .insert_group(&operator_grant()?, &session)
            .await?;
        Ok(session)
    }

    /// Stores a conversation's messages, unless it has some already.
    async fn seed_messages(
        &self,
        session: Conversation,
        name: &str,
        lines: &[DemoLine],
        read_up_to: &BTreeMap<String, u64>,
        people: &DemoUsers,
        shift: Timestamp,
    ) -> Result<()> {
        if session.seq > 0 {
            return Ok(());
        }
        let session_id = session.id;
        let mut past = ConversationImport::of(session);
        let mut end = shift;
        let mut written: Vec<Arc<Message>> = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let sender = id(people, &line.from)?;
            end = shift.plus(Duration::from_secs(line.minute * 60));
            // A sender who replies has read the earlier messages.
            past.read(sender, number as u64, end)?;
            let draft = Draft {
                content: line.text.clone(),
                client_msg_id: Some(format!("{name}-{}", number + 1)),
                mentions: Mentions::People(ids(people, &line.mentions)?.into_iter().collect()),
                ..Draft::blank(session_id, sender)
            };
            let answered = line
                .reply_to
                .and_then(|place| written.get(place.checked_sub(1)?))
                .cloned();
            written.push(past.write(draft, answered.as_deref(), end)?);
        }
        for (name, seq) in read_up_to {
            past.read(id(people, name)?, *seq, end.plus(Duration::from_secs(90)))?;
        }
        self.import_conversation(past).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_shift_is_over() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(
            last_shift(at("2026-03-05T20:00:00Z")),
            at("2026-03-05T07:00:00Z")
        );
        assert_eq!(
            last_shift(at("2026-03-05T18:59:59Z")),
            at("2026-03-04T07:00:00Z")
        );
    }

    #[test]
    fn the_seed_files_fit_together() {
        let staff: Vec<DemoUser> = parse("staff.json", STAFF_JSON).unwrap();
        let hospital: DemoHospital = parse("hospital.json", HOSPITAL_JSON).unwrap();
        let conversations: Vec<DemoConversation> =
            parse("sessions.json", CONVERSATIONS_JSON).unwrap();
        for person in &staff {
            assert!(crate::domain::user::is_valid_username(&person.username));
            assert!(
                hospital
                    .departments
                    .iter()
                    .any(|d| d.code == person.department),
                "{}",
                person.username
            );
            assert!(person.role.parse::<Role>().is_ok());
        }
        let groups: Vec<DemoGroup> = parse("groups.json", GROUPS_JSON).unwrap();
        for group in &groups {
            let is_member = |name: &String| *name == group.owner || group.members.contains(name);
            for line in &group.messages {
                assert!(
                    is_member(&line.from) && line.mentions.iter().all(is_member),
                    "{}",
                    line.text
                );
            }
            assert!(
                group
                    .messages
                    .windows(2)
                    .all(|pair| pair[0].minute < pair[1].minute),
                "{}",
                group.name
            );
            for (place, line) in (1..).zip(&group.messages) {
                assert!(
                    line.reply_to
                        .is_none_or(|answered| (1..place).contains(&answered)),
                    "{}",
                    line.text
                );
            }
            for name in group
                .members
                .iter()
                .chain([&group.owner])
                .chain(group.read_up_to.keys())
            {
                assert!(
                    is_member(name) && staff.iter().any(|person| person.username == *name),
                    "{name}"
                );
            }
        }
        for conversation in &conversations {
            for name in conversation
                .between
                .iter()
                .chain(conversation.messages.iter().map(|line| &line.from))
            {
                assert!(
                    staff.iter().any(|person| person.username == *name),
                    "{name}"
                );
            }
        }
    }
}
