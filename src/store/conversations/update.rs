//! Stores what a batch changed in a conversation: only that, and only if no other writer changed it
//! first.

use std::collections::{BTreeMap, HashMap};

use mongodb::{
    ClientSession,
    bson::{Bson, Document, bson, doc, oid::ObjectId},
};
use serde::Deserialize;

use super::{
    super::{BYPASS_VALIDATION, Store, failure, to_document},
    COLLECTION,
    row::{LastMessageRow, MemberRow},
};
use crate::domain::{
    ConversationId, UserId,
    conversation::{Conversation, Member},
    conversation_state::MemberField,
};

/// The maximum number of conversations in a batch whose update filters name the version, too.
const MAX_VERSIONED_UPDATES: usize = 4;
/// From this number of changed counts on, all counts are written at once: one path instead of
/// hundreds.
const MAX_SEPARATE_COUNT_UPDATES: usize = 12;

/// One conversation as a batch leaves it, to be stored if it is still at `expected_version`.
pub(in crate::store) struct ConversationUpdate<'a> {
    pub session: &'a Conversation,
    pub expected_version: u64,
    pub commit: ObjectId,
    /// Whether messages were added or changed.
    pub messages_written: bool,
    /// The members and the fields that changed.
    pub members: &'a [(UserId, MemberField)],
    /// Whether the membership or the group's profile changed.
    pub profile_or_membership_changed: bool,
}

impl ConversationUpdate<'_> {
    /// Sets only what changed: each path costs mongod some microseconds.
    fn update_statement(&self, with_version: bool) -> mongodb::error::Result<Document> {
        let session = self.session;
        let mut set = doc! {
            "version": as_i64(session.version),
            "lastCommit": self.commit,
            "updatedAt": session.updated_at,
        };
        if self.messages_written || self.profile_or_membership_changed {
            set.insert("seq", as_i64(session.seq));
            set.insert("eventSeq", as_i64(session.event_seq));
            set.insert("rev", as_i64(session.rev));
            set.insert("messageCount", as_i64(session.message_count));
            set.insert("lastMessageTime", session.last_message_time);
        }
        let mut unset = Document::new();
        if let Some(last) = session
            .last_message
            .as_ref()
            .filter(|_| self.messages_written)
        {
            set.insert("lastMessage", last.id);
            set.insert("lastMessageInfo", to_document(&LastMessageRow::from(last))?);
        }
        if self.profile_or_membership_changed {
            set.insert(
                "participants",
                session.participants().map(Bson::from).collect::<Vec<_>>(),
            );
            set.insert("sessionName", &session.profile.name);
            set.insert("avatar", session.profile.avatar.to_string());
            set.insert("topic", &session.profile.topic);
            set.insert("historyVisible", session.profile.history_visible);
        }
        let (mut memberships, mut counts) = (BTreeMap::new(), 0_usize);
        for (user, part) in self.members {
            match part {
                MemberField::Membership => {
                    memberships.insert(*user, session.members.get(user));
                }
                MemberField::Unread => counts += 1,
                MemberField::Read | MemberField::Delivered | MemberField::Sent => {}
            }
        }
        let all_counts = counts + memberships.len() > MAX_SEPARATE_COUNT_UPDATES;
        for (user, member) in &memberships {
            if let Some(member) = member {
                set.insert(
                    format!("members.{user}"),
                    to_document(&MemberRow::from(*member))?,
                );
            } else {
                unset.insert(format!("members.{user}"), "");
            }
        }
        if all_counts {
            let counts = session
                .members
                .iter()
                .map(|(user, member)| (user.to_string(), Bson::from(as_i64(member.unread))));
            set.insert("unreadCount", counts.collect::<Document>());
        } else {
            for (user, member) in &memberships {
                match member {
                    Some(member) => {
                        set.insert(format!("unreadCount.{user}"), as_i64(member.unread));
                    }
                    None => drop(unset.insert(format!("unreadCount.{user}"), "")),
                }
            }
        }
        for (user, part) in self
            .members
            .iter()
            .filter(|(user, _)| !memberships.contains_key(user))
        {
            if let Some(member) = session.members.get(user) {
                set_member_field(&mut set, *user, *part, member, all_counts);
            }
        }
        let mut update = doc! { "$set": set };
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        let mut query = doc! { "_id": session.id };
        if with_version {
            query.insert("version", as_i64(self.expected_version));
        }
        Ok(doc! { "q": query, "u": update })
    }
}

fn set_member_field(
    set: &mut Document,
    user: UserId,
    part: MemberField,
    member: &Member,
    all_counts: bool,
) {
    match part {
        MemberField::Read => {
            set.insert(format!("members.{user}.readSeq"), as_i64(member.read_seq));
            set.insert(format!("members.{user}.readAt"), member.read_at);
        }
        MemberField::Delivered => {
            let runs = member.delivered.pairs();
            let runs: Vec<Bson> = runs
                .map(|(from, to)| bson!([as_i64(from), as_i64(to)]))
                .collect();
            set.insert(format!("members.{user}.delivered"), runs);
        }
        MemberField::Sent => drop(set.insert(format!("members.{user}.sent"), as_i64(member.sent))),
        MemberField::Unread if !all_counts => {
            set.insert(format!("unreadCount.{user}"), as_i64(member.unread));
        }
        MemberField::Unread | MemberField::Membership => {}
    }
}

/// MongoDB's integers are signed; ours never come near the sign bit.
fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(Deserialize)]
struct VersionRow {
    #[serde(rename = "_id")]
    #[serde(with = "crate::store::bson_form")]
    id: ConversationId,
    version: u64,
}

/// Stores conversations inside a transaction; returns `false` when one of them is no longer at the
/// expected version.
///
/// For a few conversations, the update filters name document and version. For many, the versions
/// are read first, in the transaction's own snapshot, and the updates name their documents by `_id`
/// alone. A filter on both makes mongod plan each statement anew, which took a third of a commit's
/// time; the read costs one round trip. A writer that changes a conversation between the two makes
/// the transaction fail with a write conflict.
pub(in crate::store) async fn update_in(
    store: &Store,
    transaction: &mut ClientSession,
    updates: &[ConversationUpdate<'_>],
) -> mongodb::error::Result<bool> {
    let few = updates.len() <= MAX_VERSIONED_UPDATES;
    if !few && !all_versions_match(store, transaction, updates).await? {
        return Ok(false);
    }
    let statements: Vec<Document> = updates
        .iter()
        .map(|update| update.update_statement(few))
        .collect::<Result<_, _>>()?;
    let command = doc! {
        "update": COLLECTION,
        "updates": statements,
        "ordered": true,
        "bypassDocumentValidation": BYPASS_VALIDATION,
    };
    let reply = store
        .database
        .run_command(command)
        .session(transaction)
        .await?;
    failure::check_reply(&reply)?;
    let matched = reply.get_i32("n").unwrap_or_default();
    Ok(usize::try_from(matched).unwrap_or_default() == updates.len())
}

/// Returns whether all conversations are at the versions that their updates expect.
async fn all_versions_match(
    store: &Store,
    transaction: &mut ClientSession,
    updates: &[ConversationUpdate<'_>],
) -> mongodb::error::Result<bool> {
    let ids: Vec<Bson> = updates
        .iter()
        .map(|update| update.session.id.into())
        .collect();
    let expected: HashMap<ConversationId, u64> = updates
        .iter()
        .map(|update| (update.session.id, update.expected_version))
        .collect();
    let rows = store.collection::<VersionRow>(COLLECTION);
    let find = rows
        .find(doc! { "_id": { "$in": ids } })
        .projection(doc! { "version": 1 });
    let mut found = find.batch_size(1_000).session(&mut *transaction).await?;
    let mut standing = 0;
    while let Some(row) = found.next(transaction).await.transpose()? {
        standing += usize::from(expected.get(&row.id) == Some(&row.version));
    }
    Ok(standing == updates.len())
}
