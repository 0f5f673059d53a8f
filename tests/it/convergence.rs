//! Old state + events = fresh state. Several users perform every operation, in any order. One
//! client of each is connected throughout and applies its events, one disconnects and returns by
//! `chat:sync`, one fetches everything at the end. All three must have the same state, and no user
//! may receive an event of a conversation without a membership.

mod client;

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::support::{Person, TestApp, eventually, text};
use client::{Client, difference, number};

#[derive(Debug, Clone, Copy)]
enum Act {
    Send,
    Reply,
    Edit,
    Recall,
    Delete,
    React,
    Unreact,
    Read,
    Forward,
    Merge,
    Add,
    Remove,
    Leave,
    Role,
    Mute,
    Rename,
    Open,
    Sync,
}

#[derive(Debug, Clone)]
struct Step {
    act: Act,
    who: usize,
    whom: usize,
    which: usize,
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![
        8 => Just(Act::Send), 2 => Just(Act::Reply), 3 => Just(Act::Edit), 2 => Just(Act::Recall),
        2 => Just(Act::Delete), 3 => Just(Act::React), 2 => Just(Act::Unreact), 3 => Just(Act::Read),
        2 => Just(Act::Forward), 1 => Just(Act::Merge), 4 => Just(Act::Add), 2 => Just(Act::Remove),
        1 => Just(Act::Leave), 2 => Just(Act::Role), 1 => Just(Act::Mute), 1 => Just(Act::Rename),
        1 => Just(Act::Open), 3 => Just(Act::Sync),
    ];
    (act, 0usize..4, 0usize..4, 0usize..1_000).prop_map(|(act, who, whom, which)| Step {
        act,
        who,
        whom,
        which,
    })
}

/// The shared state: conversations, and messages with their conversations.
#[derive(Default)]
struct Board {
    groups: Vec<String>,
    sessions: Vec<String>,
    messages: Vec<Value>,
}

fn request(
    person: &Person,
    other: &Person,
    step: &Step,
    board: &Board,
) -> Option<(&'static str, String, Value)> {
    let session = &board.sessions[step.which % board.sessions.len()];
    let group = format!(
        "/api/chat/sessions/{}",
        board.groups[step.which % board.groups.len()]
    );
    // The newest messages are used most.
    let message = board
        .messages
        .iter()
        .rev()
        .nth(step.which % 12)
        .map(|m| text(&m["_id"]));
    let at = |tail: &str| {
        message
            .as_ref()
            .map(|id| format!("/api/chat/messages/{id}{tail}"))
    };
    let emoji = ["👍", "❤️", "✅"][step.which % 3];
    let member_path = |user: &Person| format!("{group}/participants/{}", user.id);
    Some(match step.act {
        Act::Send => {
            let mut body = person.message(session, &format!("note {}", step.which));
            if step.which.is_multiple_of(5) {
                body["mentions"] = json!("all");
            }
            ("POST", "/api/chat/messages".to_owned(), body)
        }
        Act::Reply => {
            let answered = board.messages.iter().rev().nth(step.which % 6)?;
            let mut body = person.message(&text(&answered["sessionId"]), "an answer");
            body["replyTo"] = answered["_id"].clone();
            body["mentions"] = json!([person.id]);
            ("POST", "/api/chat/messages".to_owned(), body)
        }
        Act::Edit => (
            "PUT",
            at("")?,
            json!({ "content": format!("edited {}", step.which) }),
        ),
        Act::Recall => ("POST", at("/recall")?, json!({})),
        Act::Delete => ("DELETE", at("")?, json!({ "userId": person.id })),
        Act::React => ("POST", at("/reactions")?, json!({ "emoji": emoji })),
        Act::Unreact => ("DELETE", at(&format!("/reactions/{emoji}"))?, json!({})),
        Act::Read => ("PUT", at("/read")?, json!({ "userId": person.id })),
        Act::Forward | Act::Merge => {
            let ids: Vec<&Value> = board
                .messages
                .iter()
                .rev()
                .skip(step.which % 4)
                .take(2)
                .map(|m| &m["_id"])
                .collect();
            let mode = if matches!(step.act, Act::Merge) {
                "merged"
            } else {
                "each"
            };
            let to: BTreeSet<&String> = [session, &board.groups[0]].into();
            let body = json!({ "messageIds": ids, "toSessionIds": to, "mode": mode });
            ("POST", "/api/chat/messages/forward".to_owned(), body)
        }
        Act::Add => (
            "POST",
            format!("{group}/participants"),
            json!({ "userIds": [other.id] }),
        ),
        Act::Remove => ("DELETE", member_path(other), json!({})),
        Act::Leave => ("DELETE", member_path(person), json!({})),
        Act::Role => (
            "PATCH",
            member_path(other),
            json!({ "role": (["owner", "admin", "member"][step.which % 3]) }),
        ),
        Act::Mute => (
            "PATCH",
            member_path(person),
            json!({ "muted": step.which.is_multiple_of(2) }),
        ),
        Act::Rename => (
            "PATCH",
            group,
            json!({ "sessionName": format!("Ward {}", step.which), "topic": emoji }),
        ),
        Act::Open => (
            "PATCH",
            group,
            json!({ "historyVisible": step.which.is_multiple_of(2) }),
        ),
        Act::Sync => return None,
    })
}

async fn run(app: &TestApp, steps: Vec<Step>) {
    let mut people = Vec::new();
    for name in ["Li", "Chen", "Wu", "Zhao"] {
        people.push(app.nurse(name).await);
    }
    let mut sockets = Vec::new();
    for person in &people {
        sockets.push(person.connect().await);
    }
    let mut wanderers = vec![Client::default(); people.len()];
    let mut board = Board::default();
    for name in ["Night", "Day"] {
        board
            .groups
            .push(crate::groups::group(&people[0], &[&people[1], &people[2]], name).await);
    }
    board.sessions.clone_from(&board.groups);
    board
        .sessions
        .push(people[0].session_with(&people[1]).await);
    // Several calls run at once.
    for batch in steps.chunks(5) {
        let calls = batch.iter().filter_map(|step| {
            let (method, path, body) =
                request(&people[step.who], &people[step.whom], step, &board)?;
            let person = &people[step.who];
            Some(async move { (person.call(method, &path, body).await, method, path) })
        });
        for (reply, method, path) in join_all(calls).await {
            assert!(reply.status < 500, "{method} {path}: {}", reply.body);
            let data = &reply.body["data"];
            if reply.status == 201 {
                let many = data["messages"].as_array().cloned();
                board
                    .messages
                    .extend(many.unwrap_or_else(|| vec![data.clone()]));
            }
        }
        for step in batch.iter().filter(|step| matches!(step.act, Act::Sync)) {
            wanderers[step.who].sync(&people[step.who]).await;
        }
    }
    for ((person, at), mut wanderer) in people.iter().zip(&sockets).zip(wanderers) {
        let fresh = Client::fresh(person).await.comparable();
        wanderer.sync(person).await;
        assert_eq!(
            difference(&wanderer.comparable(), &fresh),
            None,
            "who came back knows what there is"
        );
        let mut differs = None;
        for _ in 0..60 {
            differs = difference(&Client::hearing(person, at).await.comparable(), &fresh);
            if differs.is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(differs, None, "who was there knows what there is");
        let (total, _) = person.unread().await;
        eventually(async || {
            let last = at
                .heard("unread:count")
                .last()
                .map_or(json!(0), |c| c["data"]["unreadCount"].clone());
            (last == json!(total)).then_some(())
        })
        .await;
        // Every count equals the counted messages.
        for (session, known) in &fresh.0 {
            let position = known.members[&person.id].3;
            let counted = known.messages.values().filter(|m| {
                m["sender"] != json!(person.id)
                    && number(&m["seq"]) > position
                    && m["isDeleted"] == json!(false)
                    && m["system"].is_null()
            });
            let counted = counted.count() as u64;
            assert_eq!(
                person.unread().await.1[session].as_u64().unwrap_or(0),
                counted,
                "unread is counting"
            );
        }
    }
}

#[test]
fn old_state_and_events_are_fresh_state() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let app = runtime.block_on(TestApp::unlimited());
    let config = ProptestConfig {
        cases: 12,
        max_shrink_iters: 4,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&prop::collection::vec(step(), 30..140), |steps| {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(run(&app, steps));
        }));
        outcome.map_err(|panic| {
            let words = panic
                .downcast_ref::<String>()
                .cloned()
                .unwrap_or_else(|| "an assertion failed".to_owned());
            TestCaseError::fail(words)
        })
    });
    runtime.block_on(app.stop());
    result.unwrap();
}
