//! A client's state: what it applies of events, of `chat:sync`, and of a fetch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Person, socket::Socket, text};

/// A client's state of a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    seq: u64,
    rev: u64,
    hidden: u64,
    profile: Value,
    /// Role, muted, join time, and read position.
    pub members: BTreeMap<String, (Value, Value, Value, u64)>,
    pub messages: BTreeMap<u64, Value>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Client(pub BTreeMap<String, Known>);

pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// The lasting fields of a message, independent of how it was received.
fn lasting(message: &Value) -> Value {
    const FIELDS: [&str; 16] = [
        "_id",
        "sessionId",
        "sender",
        "seq",
        "rev",
        "content",
        "messageType",
        "isDeleted",
        "recalledAt",
        "editedAt",
        "replyTo",
        "mentions",
        "forwardedFrom",
        "merged",
        "system",
        "updatedAt",
    ];
    let mut lasting =
        json!({ "reactions": message.get("reactions").cloned().unwrap_or_else(|| json!([])) });
    for field in FIELDS {
        lasting[field] = message.get(field).cloned().unwrap_or(Value::Null);
    }
    lasting
}

fn profile(session: &Value) -> Value {
    ["sessionName", "avatar", "topic", "historyVisible"]
        .map(|field| match &session[field] {
            Value::Null => json!(""),
            value => value.clone(),
        })
        .to_vec()
        .into()
}

fn membership(member: &Value) -> (Value, Value, Value, u64) {
    (
        member["role"].clone(),
        member["muted"].clone(),
        member["joinedAt"].clone(),
        number(&member["readSeq"]),
    )
}

fn memberships(members: &Value) -> BTreeMap<String, (Value, Value, Value, u64)> {
    members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (text(&member["userId"]), membership(member)))
        .collect()
}

impl Known {
    /// A newer state of a message replaces an older one.
    fn put(&mut self, message: &Value) {
        let message = lasting(message);
        let (seq, rev) = (number(&message["seq"]), number(&message["rev"]));
        self.seq = self.seq.max(seq);
        if self
            .messages
            .get(&seq)
            .is_none_or(|known| number(&known["rev"]) <= rev)
        {
            self.messages.insert(seq, message);
        }
    }

    /// Applies an event about a message; messages that were not loaded cannot be changed.
    fn change(&mut self, event: &Value, change: impl FnOnce(&mut Value)) {
        let rev = number(&event["rev"]);
        self.rev = self.rev.max(rev);
        if let Some(message) = self.messages.get_mut(&number(&event["seq"]))
            && number(&message["rev"]) < rev
        {
            change(message);
            message["rev"] = json!(rev);
        }
    }

    /// Scrolls up to the first message.
    async fn load_past(&mut self, person: &Person, session: &str) {
        for message in person.history(session).await {
            if number(&message["seq"]) <= self.seq {
                self.put(&message);
            }
        }
    }
}

impl Client {
    fn of(&mut self, session: &Value) -> &mut Known {
        let known = self.0.get_mut(session.as_str().unwrap_or_default());
        known.unwrap_or_else(|| panic!("an event of a session without a membership: {session}"))
    }

    /// Applies one event; returns the conversation whose history has to be fetched.
    fn hear(&mut self, event: &str, payload: &Value) -> Option<String> {
        match event {
            "session:created" => {
                let session = &payload["session"];
                let known = Known {
                    seq: number(&session["seq"]),
                    rev: number(&session["rev"]),
                    hidden: 0,
                    profile: profile(session),
                    members: memberships(&payload["members"]),
                    messages: BTreeMap::new(),
                };
                self.0.insert(text(&session["_id"]), known);
                return Some(text(&session["_id"]));
            }
            "session:removed" => {
                let gone = self.0.remove(&text(&payload["sessionId"]));
                assert!(gone.is_some(), "removed twice: {payload}");
            }
            "session:updated" => {
                let opens = payload["session"]["historyVisible"] == json!(true);
                let known = self.of(&payload["sessionId"]);
                known.rev = known.rev.max(number(&payload["rev"]));
                known.seq = known.seq.max(number(&payload["seq"]));
                known.profile = profile(&payload["session"]);
                for gone in payload["left"].as_array().unwrap() {
                    known.members.remove(&text(gone));
                }
                for list in ["joined", "changed"] {
                    known.members.extend(memberships(&payload[list]));
                }
                return opens.then(|| text(&payload["sessionId"]));
            }
            "message:sent" | "message:receive" => {
                let message = &payload["message"];
                self.of(&message["sessionId"]).put(message);
            }
            "message:updated" => self.of(&payload["sessionId"]).change(payload, |message| {
                for field in ["content", "editedAt", "updatedAt"] {
                    message[field] = payload[field].clone();
                }
                let nobody = payload["mentions"] == json!([]);
                message["mentions"] = if nobody {
                    Value::Null
                } else {
                    payload["mentions"].clone()
                };
            }),
            "message:deleted" | "message:recalled" => {
                self.of(&payload["sessionId"]).change(payload, |message| {
                    for field in ["replyTo", "mentions", "forwardedFrom", "merged"] {
                        message[field] = Value::Null;
                    }
                    message["reactions"] = json!([]);
                    message["content"] = json!("");
                    message["isDeleted"] = json!(true);
                    message["updatedAt"] = payload["deletedAt"].clone();
                    message["recalledAt"] =
                        payload.get("recalledAt").cloned().unwrap_or(Value::Null);
                });
            }
            "message:reaction" => self.of(&payload["sessionId"]).change(payload, |message| {
                message["reactions"] = payload["reactions"].clone();
                message["updatedAt"] = payload["updatedAt"].clone();
            }),
            "message:read" => {
                let known = self.of(&payload["sessionId"]);
                let membership = known
                    .members
                    .get_mut(&text(&payload["userId"]))
                    .expect("a reader is a member");
                membership.3 = membership.3.max(number(&payload["seq"]));
            }
            "message:status" => drop(self.of(&payload["sessionId"])),
            _ => {}
        }
        None
    }

    /// A client that has applied all events so far.
    pub async fn hearing(person: &Person, at: &Socket) -> Self {
        let (mut client, mut unloaded) = (Self::default(), BTreeSet::new());
        for (event, payload) in at.all() {
            unloaded.extend(client.hear(&event, &payload));
        }
        for session in unloaded {
            if let Some(known) = client.0.get_mut(&session) {
                known.load_past(person, &session).await;
            }
        }
        client
    }

    /// Syncs after a disconnection.
    pub async fn sync(&mut self, person: &Person) {
        let at = person.connect().await;
        loop {
            let from: Value = self
                .0
                .iter()
                .map(|(id, known)| (id.clone(), json!({ "seq": known.seq, "rev": known.rev })))
                .collect();
            let answer = at.call("chat:sync", json!({ "sessions": from })).await["data"].clone();
            for gone in answer["removed"].as_array().unwrap() {
                self.0.remove(&text(gone));
            }
            for (id, one) in answer["sessions"].as_object().unwrap() {
                let is_new = !self.0.contains_key(id);
                let known = self.0.entry(id.clone()).or_default();
                let hidden = number(&one["hiddenSeq"]);
                known.messages.retain(|seq, _| *seq > hidden);
                known.profile = profile(&one["session"]);
                known.members = one["positions"]
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(user, p)| (user.clone(), membership(p)))
                    .collect();
                for message in ["messages", "changed"]
                    .iter()
                    .flat_map(|list| one[list].as_array().unwrap())
                {
                    known.put(message);
                }
                (known.seq, known.rev) = (number(&one["next"]["seq"]), number(&one["next"]["rev"]));
                let opened = hidden < known.hidden;
                known.hidden = hidden;
                if opened && !is_new {
                    known.load_past(person, id).await;
                }
            }
            if answer["hasMore"] == json!(false) {
                return;
            }
        }
    }

    /// A client that fetches everything.
    pub async fn fresh(person: &Person) -> Self {
        let mut client = Self::default();
        let listed = person
            .get(&format!("/api/chat/sessions/{}?limit=100", person.id))
            .await
            .expect(200);
        for session in listed.as_array().unwrap() {
            let id = text(&session["_id"]);
            let info = person
                .get(&format!("/api/chat/sessions/{id}/info"))
                .await
                .expect(200);
            let mut known = Known {
                rev: number(&info["rev"]),
                profile: profile(&info),
                members: memberships(&info["members"]),
                ..Known::default()
            };
            known.seq = number(&info["seq"]);
            for message in person.history(&id).await {
                known.put(&message);
            }
            client.0.insert(id, known);
        }
        client
    }

    /// Removes what only one way of fetching returns. From a member without access to a message,
    /// changes to it are hidden, too: the conversation's `rev` then grows without an event for
    /// them.
    pub fn comparable(mut self) -> Self {
        for known in self.0.values_mut() {
            known.hidden = 0;
            if known.messages.keys().next().is_some_and(|first| *first > 1) {
                known.rev = 0;
            }
        }
        self
    }
}

/// The first difference between two clients.
pub fn difference(one: &Client, other: &Client) -> Option<String> {
    let ids: BTreeSet<&String> = one.0.keys().chain(other.0.keys()).collect();
    for id in ids {
        let (Some(a), Some(b)) = (one.0.get(id), other.0.get(id)) else {
            return Some(format!(
                "session {id}: {:?} and {:?}",
                one.0.get(id),
                other.0.get(id)
            ));
        };
        let frames = |k: &Known| format!("{:?}", (k.seq, k.rev, &k.profile, &k.members));
        if frames(a) != frames(b) {
            return Some(format!("session {id}: {} and {}", frames(a), frames(b)));
        }
        let seqs: BTreeSet<&u64> = a.messages.keys().chain(b.messages.keys()).collect();
        for seq in seqs {
            if a.messages.get(seq) != b.messages.get(seq) {
                return Some(format!(
                    "{id}, {seq}: {:?} and {:?}",
                    a.messages.get(seq),
                    b.messages.get(seq)
                ));
            }
        }
    }
    None
}
