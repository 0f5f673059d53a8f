//! Storing what a batch changed in a session: only that, and only if nobody else changed it first.

use std::collections::{BTreeMap, HashMap};

use mongodb::{
    ClientSession,
    bson::{Bson, Document, bson, doc, oid::ObjectId},
};
use serde::Deserialize;

use super::{
    super::{BYPASS_VALIDATION, Store, failure, to_document},
    NAME,
    row::{LastMessageRow, MemberRow},
};
use crate::domain::{
    SessionId, UserId,
    ledger::MemberPart,
    session::{Member, Session},
};

/// The most sessions of a batch whose updates name the version, too.
const FEW: usize = 4;
/// From so many changed counts on, all are written at once: one path instead of hundreds.
const MANY: usize = 12;

/// One session as a batch leaves it, to be stored if it still stands at `believed_version`.
pub(in crate::store) struct SessionUpdate<'a> {
    pub session: &'a Session,
    pub believed_version: u64,
    pub commit: ObjectId,
    /// Whether messages came or changed.
    pub wrote: bool,
    /// What of whose entry differs.
    pub members: &'a [(UserId, MemberPart)],
    /// Whether who is in, or how the group shows itself, differs.
    pub frame: bool,
}

impl SessionUpdate<'_> {
    /// Sets what changed and nothing else: each path costs mongod some microseconds.
    fn statement(&self, with_version: bool) -> mongodb::error::Result<Document> {
        let session = self.session;
        let mut set = doc! {
            "version": as_i64(session.version),
            "lastCommit": self.commit,
            "updatedAt": session.updated_at,
        };
        if self.wrote || self.frame {
            set.insert("seq", as_i64(session.seq));
            set.insert("rev", as_i64(session.rev));
            set.insert("messageCount", as_i64(session.message_count));
            set.insert("lastMessageTime", session.last_message_time);
        }
        let mut unset = Document::new();
        if let Some(last) = session.last_message.as_ref().filter(|_| self.wrote) {
            set.insert("lastMessage", last.id);
            set.insert("lastMessageInfo", to_document(&LastMessageRow::from(last))?);
        }
        if self.frame {
            set.insert("participants", session.participants().map(Bson::from).collect::<Vec<_>>());
            set.insert("sessionName", &session.profile.name);
            set.insert("avatar", &session.profile.avatar);
            set.insert("topic", &session.profile.topic);
            set.insert("historyVisible", session.profile.history_visible);
        }
        let (mut seats, mut counts) = (BTreeMap::new(), 0_usize);
        for (user, part) in self.members {
            match part {
                MemberPart::Seat => drop(seats.insert(*user, session.members.get(user))),
                MemberPart::Unread => counts += 1,
                MemberPart::Read | MemberPart::Delivered | MemberPart::Sent => {}
            }
        }
        let all_counts = counts + seats.len() > MANY;
        for (user, member) in &seats {
            if let Some(member) = member {
                set.insert(format!("members.{user}"), to_document(&MemberRow::from(*member))?);
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
            for (user, member) in &seats {
                match member {
                    Some(member) => drop(set.insert(format!("unreadCount.{user}"), as_i64(member.unread))),
                    None => drop(unset.insert(format!("unreadCount.{user}"), "")),
                }
            }
        }
        for (user, part) in self.members.iter().filter(|(user, _)| !seats.contains_key(user)) {
            if let Some(member) = session.members.get(user) {
                set_part(&mut set, *user, *part, member, all_counts);
            }
        }
        let mut update = doc! { "$set": set };
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        let mut query = doc! { "_id": session.id };
        if with_version {
            query.insert("version", as_i64(self.believed_version));
        }
        Ok(doc! { "q": query, "u": update })
    }
}

fn set_part(set: &mut Document, user: UserId, part: MemberPart, member: &Member, all_counts: bool) {
    match part {
        MemberPart::Read => {
            set.insert(format!("members.{user}.readSeq"), as_i64(member.read_seq));
            set.insert(format!("members.{user}.readAt"), member.read_at);
        }
        MemberPart::Delivered => {
            let runs = member.delivered.pairs();
            let runs: Vec<Bson> = runs.map(|(from, to)| bson!([as_i64(from), as_i64(to)])).collect();
            set.insert(format!("members.{user}.delivered"), runs);
        }
        MemberPart::Sent => drop(set.insert(format!("members.{user}.sent"), as_i64(member.sent))),
        MemberPart::Unread if !all_counts => {
            set.insert(format!("unreadCount.{user}"), as_i64(member.unread));
        }
        MemberPart::Unread | MemberPart::Seat => {}
    }
}

/// MongoDB's integers are signed; ours never come near the sign.
fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(Deserialize)]
struct VersionRow {
    #[serde(rename = "_id")]
    id: SessionId,
    version: u64,
}

/// Stores sessions inside a transaction; `false` when one of them no longer stands as believed.
///
/// The updates of a few name document and version. Of many, the versions are read first, in the
/// transaction's own snapshot, and the updates name their documents by `_id` alone: a filter on both makes
/// mongod plan each statement anew, which took a third of a commit's time, while the look before costs one
/// round trip. Whoever changes a session between the two makes the transaction fail with a write conflict.
pub(in crate::store) async fn update_in(
    store: &Store,
    transaction: &mut ClientSession,
    updates: &[SessionUpdate<'_>],
) -> mongodb::error::Result<bool> {
    let few = updates.len() <= FEW;
    if !few && !all_stand(store, transaction, updates).await? {
        return Ok(false);
    }
    let statements: Vec<Document> =
        updates.iter().map(|update| update.statement(few)).collect::<Result<_, _>>()?;
    let command = doc! {
        "update": NAME,
        "updates": statements,
        "ordered": true,
        "bypassDocumentValidation": BYPASS_VALIDATION,
    };
    let reply = store.database.run_command(command).session(transaction).await?;
    failure::check_reply(&reply)?;
    let matched = reply.get_i32("n").unwrap_or_default();
    Ok(usize::try_from(matched).unwrap_or_default() == updates.len())
}

/// Whether all sessions are at the versions that their updates believe.
async fn all_stand(
    store: &Store,
    transaction: &mut ClientSession,
    updates: &[SessionUpdate<'_>],
) -> mongodb::error::Result<bool> {
    let ids: Vec<Bson> = updates.iter().map(|update| update.session.id.into()).collect();
    let believed: HashMap<SessionId, u64> =
        updates.iter().map(|update| (update.session.id, update.believed_version)).collect();
    let rows = store.collection::<VersionRow>(NAME);
    let find = rows.find(doc! { "_id": { "$in": ids } }).projection(doc! { "version": 1 });
    let mut found = find.batch_size(1_000).session(&mut *transaction).await?;
    let mut standing = 0;
    while let Some(row) = found.next(transaction).await.transpose()? {
        standing += usize::from(believed.get(&row.id) == Some(&row.version));
    }
    Ok(standing == updates.len())
}
