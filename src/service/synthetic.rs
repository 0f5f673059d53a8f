//! Synthetic staff and history, at bulk speed, for load and scale: `staff00001`, `staff00002` …,
//! private conversations between neighbours, messages of everyday words in Chinese and English.

use std::time::Duration;

use futures_util::StreamExt;

use super::{Services, SignedIn, import::ConversationImport, operator_grant};
use crate::{
    domain::{
        ConversationId, Result, Timestamp, UserId,
        avatar::Avatar,
        conversation::Conversation,
        conversation_state::ConversationState as Written,
        message::{Draft, Message},
        presence::Status,
        receipts::Receipt,
        user::{AccountKind, Role, User},
    },
    store::users::UserAccount,
};

/// The amounts to create.
#[derive(Debug, Clone, Copy)]
pub struct Synthetic {
    pub users: u64,
    pub sessions: u64,
    pub messages: u64,
}

/// The rows of one insert.
const INSERT_BATCH_SIZE: usize = 2_000;

const SAMPLE_WORDS: [&str; 32] = [
    "bed",
    "ward",
    "potassium",
    "chart",
    "dose",
    "stable",
    "please",
    "check",
    "fever",
    "discharge",
    "scan",
    "ready",
    "family",
    "thanks",
    "pressure",
    "night",
    "患者",
    "血压",
    "正常",
    "请",
    "复查",
    "体温",
    "护士",
    "医生",
    "病房",
    "用药",
    "已经",
    "出院",
    "化验",
    "结果",
    "马上",
    "谢谢",
];

/// Returns a message's text, the same for the same number.
fn message_text(number: u64) -> String {
    let mut state = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x1234_5678_9abc_def1);
    let count = 4 + number % 9;
    let mut words = Vec::new();
    for _ in 0..count {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        words.push(
            SAMPLE_WORDS
                [usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 59).unwrap_or(0)],
        );
    }
    words.join(" ")
}

/// Returns the two members (by number from 0) of a conversation: neighbours first, then neighbours'
/// neighbours.
fn member_pair(session: u64, users: u64) -> (u64, u64) {
    let distance = 1 + session / users;
    let first = session % users;
    (first, (first + distance) % users)
}

impl Services {
    /// Creates synthetic staff and history. Existing data stay unchanged. Returns the amounts
    /// created.
    ///
    /// # Errors
    /// `Forbidden` in production; when MongoDB does not answer.
    pub async fn seed_synthetic(&self, wanted: Synthetic) -> Result<Synthetic> {
        self.require_development()?;
        let now = self.clock.now();
        let before = self
            .store
            .accounts_with_prefix("staff", wanted.users.max(1))
            .await?
            .len() as u64;
        self.create_staff(wanted.users, now).await?;
        let staff: Vec<UserId> = self
            .store
            .accounts_with_prefix("staff", wanted.users.max(1))
            .await?
            .into_iter()
            .map(|account| account.user.id)
            .collect();
        let users = staff.len() as u64;
        let mut made = Synthetic {
            users: users.saturating_sub(before),
            sessions: 0,
            messages: 0,
        };
        // Beyond it two conversations would have the same pair.
        let sessions = wanted.sessions.min(users * users.saturating_sub(1) / 2);
        if sessions == 0 {
            return Ok(made);
        }
        let start = now.minus(Duration::from_hours(720));
        let (mut pasts, mut gathered) = (Vec::new(), 0);
        for number in 0..sessions {
            let (first, second) = member_pair(number, users);
            let at = |index: u64| staff[usize::try_from(index).unwrap_or(0)];
            if self
                .store
                .has_private_conversation(at(first), at(second))
                .await?
            {
                continue;
            }
            let session_number = self.store.next_conversation_number().await?;
            let session = Conversation::private(session_number, at(first), at(second), start);
            let count = wanted.messages / sessions + u64::from(number < wanted.messages % sessions);
            let past =
                import_past(session, at(first), at(second), count, number, start)?.into_state();
            gathered += past.changes().messages.len();
            made.sessions += 1;
            made.messages += count;
            pasts.push(past);
            if gathered >= INSERT_BATCH_SIZE * 4 || pasts.len() >= INSERT_BATCH_SIZE {
                self.flush(&mut pasts).await?;
                gathered = 0;
            }
        }
        self.flush(&mut pasts).await?;
        self.catch_up_statistics().await?;
        Ok(made)
    }

    async fn flush(&self, pasts: &mut Vec<Written>) -> Result<()> {
        let messages: Vec<Message> = pasts
            .iter()
            .flat_map(|past| &past.changes().messages)
            .map(|m| Message::clone(m))
            .collect();
        let chunks = messages
            .chunks(INSERT_BATCH_SIZE)
            .map(|chunk| self.store.insert_messages(chunk));
        let mut inserts = std::pin::pin!(futures_util::stream::iter(chunks).buffer_unordered(4));
        while let Some(inserted) = inserts.next().await {
            inserted?;
        }
        let receipts: Vec<(ConversationId, Receipt)> = pasts
            .iter()
            .flat_map(|past| {
                past.changes()
                    .receipts
                    .iter()
                    .map(|receipt| (past.session.id, receipt.clone()))
            })
            .collect();
        self.store.insert_receipts(&receipts).await?;
        // The conversation is stored last: an existing one has its messages.
        let sessions: Vec<Conversation> = pasts.drain(..).map(|past| past.session).collect();
        if !sessions.is_empty() {
            self.store
                .insert_conversations(&operator_grant()?, &sessions)
                .await?;
        }
        Ok(())
    }

    async fn create_staff(&self, users: u64, now: Timestamp) -> Result<()> {
        let hash = self
            .passwords
            .hash(
                super::passwords::HashPriority::internal(),
                super::DEMO_PASSWORD,
            )
            .await?;
        let accounts: Vec<UserAccount> = (1..=users)
            .map(|number| UserAccount {
                user: User {
                    id: UserId::generate(),
                    username: format!("staff{number:05}"),
                    real_name: format!("Staff {number}"),
                    email: String::new(),
                    phone: String::new(),
                    avatar: Avatar::None,
                    role: if number % 3 == 0 {
                        Role::Doctor
                    } else {
                        Role::Nurse
                    },
                    department: format!("Ward {}", number % 40 + 1),
                    title: String::new(),
                    status: Status::Offline,
                    last_seen: None,
                    account: AccountKind::STAFF,
                    is_active: true,
                    self_registered: false,
                    contacts_shared: false,
                    must_change_password: false,
                    created_at: now,
                    updated_at: now,
                },
                password_hash: hash.clone(),
                tokens_valid_from: Timestamp(0),
                credential_version: 0,
                failed_sign_ins: None,
            })
            .collect();
        for chunk in accounts.chunks(INSERT_BATCH_SIZE) {
            self.store.insert_users(&operator_grant()?, chunk).await?;
        }
        Ok(())
    }

    /// Returns tokens of the first `count` synthetic users.
    ///
    /// # Errors
    /// `NotFound` when fewer of them may sign in; when MongoDB does not answer.
    pub async fn synthetic_tokens(&self, count: u64) -> Result<Vec<SignedIn>> {
        let mut accounts = self.store.accounts_with_prefix("staff", count).await?;
        accounts.retain(|account| account.user.is_active);
        if (accounts.len() as u64) < count {
            return Err(crate::domain::Error::NotFound(
                "synthetic person (make more: wardline seed --users N)",
            ));
        }
        self.record_command("token.issue", "synthetic", accounts.len() as u64);
        accounts
            .into_iter()
            .map(|account| self.signed_in(account))
            .collect()
    }
}

fn import_past(
    session: Conversation,
    first: UserId,
    second: UserId,
    count: u64,
    number: u64,
    start: Timestamp,
) -> Result<ConversationImport> {
    let session_id = session.id;
    let mut past = ConversationImport::of(session);
    for index in 0..count {
        let sender = if index % 2 == 0 { first } else { second };
        let at = start.plus(Duration::from_secs(index * 20));
        let content = message_text(number.wrapping_mul(1_000_003).wrapping_add(index));
        past.write(
            Draft {
                content,
                ..Draft::blank(session_id, sender)
            },
            None,
            at,
        )?;
    }
    // Both have read all but the last few.
    let end = start.plus(Duration::from_secs(count * 20));
    past.read(first, count.saturating_sub(number % 4), end)?;
    past.read(second, count.saturating_sub(number % 3), end)?;
    Ok(past)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_synthetic_sessions_have_the_same_pair() {
        for users in [2_u64, 5, 8] {
            let sessions = users * (users - 1) / 2;
            let pairs: std::collections::BTreeSet<_> = (0..sessions)
                .map(|number| member_pair(number, users))
                .map(|(a, b)| (a.min(b), a.max(b)))
                .collect();
            assert_eq!(pairs.len() as u64, sessions, "{users} users");
            assert!(pairs.iter().all(|(a, b)| a != b));
        }
    }
}
