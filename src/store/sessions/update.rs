//! Storing what a batch changed in a session: only that, and only if nobody else changed it first.

use std::collections::BTreeMap;

use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc, oid::ObjectId},
};

use super::{
    super::{Store, failure, to_document},
    NAME,
    row::MemberRow,
};
use crate::domain::{
    UserId,
    ledger::Part,
    session::{Member, Session},
};

/// From so many changed counts on, all are written at once: one path instead of hundreds.
const MANY: usize = 12;

/// One session as a batch leaves it, to be stored if it still stands at `believed_version`.
pub(in crate::store) struct SessionUpdate<'a> {
    pub session: &'a Session,
    pub believed_version: u64,
    pub commit: ObjectId,
    /// What differs in whose entry.
    pub parts: &'a [(UserId, Part)],
    /// Whether who is in, or how the group shows itself, differs.
    pub frame: bool,
}

impl SessionUpdate<'_> {
    fn statement(&self) -> mongodb::error::Result<Document> {
        let session = self.session;
        let mut set = doc! {
            "seq": as_i64(session.seq),
            "rev": as_i64(session.rev),
            "version": as_i64(session.version),
            "lastCommit": self.commit,
            "messageCount": as_i64(session.message_count),
            "lastMessageTime": session.last_message_time,
            "updatedAt": session.updated_at,
        };
        let mut unset = Document::new();
        if let Some(last) = &session.last_message {
            set.insert("lastMessage", last.id);
            set.insert(
                "lastMessageInfo",
                doc! {
                    "seq": as_i64(last.seq),
                    "sender": last.sender,
                    "messageType": last.kind.as_str(),
                    "preview": &last.preview,
                    "isDeleted": last.is_deleted,
                },
            );
        }
        if self.frame {
            set.insert("participants", session.participants().map(Bson::from).collect::<Vec<_>>());
            set.insert("sessionName", &session.profile.name);
            set.insert("avatar", &session.profile.avatar);
            set.insert("topic", &session.profile.topic);
            set.insert("historyVisible", session.profile.history_visible);
        }
        let (mut seats, mut counts) = (BTreeMap::new(), 0_usize);
        for (user, part) in self.parts {
            match part {
                Part::Seat => drop(seats.insert(*user, session.members.get(user))),
                Part::Unread => counts += 1,
                Part::Read | Part::Delivered | Part::Sent => {}
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
        for (user, part) in self.parts.iter().filter(|(user, _)| !seats.contains_key(user)) {
            if let Some(member) = session.members.get(user) {
                set_part(&mut set, *user, *part, member, all_counts);
            }
        }
        let mut update = doc! { "$set": set };
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        Ok(doc! { "q": { "_id": session.id, "version": as_i64(self.believed_version) }, "u": update })
    }
}

fn set_part(set: &mut Document, user: UserId, part: Part, member: &Member, all_counts: bool) {
    match part {
        Part::Read => {
            set.insert(format!("members.{user}.readSeq"), as_i64(member.read_seq));
            set.insert(format!("members.{user}.readAt"), member.read_at);
        }
        Part::Delivered => {
            let runs: Vec<Bson> = member
                .delivered
                .pairs()
                .map(|(from, to)| Bson::Array(vec![as_i64(from).into(), as_i64(to).into()]))
                .collect();
            set.insert(format!("members.{user}.delivered"), runs);
        }
        Part::Sent => drop(set.insert(format!("members.{user}.sent"), as_i64(member.sent))),
        Part::Unread if !all_counts => {
            set.insert(format!("unreadCount.{user}"), as_i64(member.unread));
        }
        Part::Unread | Part::Seat => {}
    }
}

/// MongoDB's integers are signed; ours never come near the sign.
fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Stores sessions inside a transaction; answers how many still stood as believed.
pub(in crate::store) async fn update_in(
    store: &Store,
    transaction: &mut ClientSession,
    updates: &[SessionUpdate<'_>],
) -> mongodb::error::Result<usize> {
    let statements: Vec<Document> = updates.iter().map(SessionUpdate::statement).collect::<Result<_, _>>()?;
    let command = doc! { "update": NAME, "updates": statements, "ordered": true };
    let reply = store.database.run_command(command).session(transaction).await?;
    failure::check_reply(&reply)?;
    let matched = reply.get_i32("n").unwrap_or_default();
    Ok(usize::try_from(matched).unwrap_or_default())
}
