//! Random interleavings of sends, repeats, reads and deletions by several users over several
//! sockets. Whatever the order, counts equal the counted messages, `seq` has no gap, and every
//! socket received the same.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::support::{Person, TestApp, eventually, socket::Socket, text};

#[derive(Debug, Clone)]
enum Step {
    /// The socket's user sends into one of their conversations.
    Send { socket: usize, session: usize },
    /// The socket's user sends an earlier message once more.
    Repeat { socket: usize, earlier: usize },
    /// The socket's user reads up to one of the messages they received.
    Read { socket: usize, heard: usize },
    /// The socket's user deletes one of their own.
    Delete { socket: usize, own: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0usize..1_000;
    prop_oneof![
        6 => (any.clone(), any.clone()).prop_map(|(socket, session)| Step::Send { socket, session }),
        2 => (any.clone(), any.clone()).prop_map(|(socket, earlier)| Step::Repeat { socket, earlier }),
        3 => (any.clone(), any.clone()).prop_map(|(socket, heard)| Step::Read { socket, heard }),
        1 => (any.clone(), any).prop_map(|(socket, own)| Step::Delete { socket, own }),
    ]
}

/// Three users with two sockets each, every two with a conversation.
struct Ward {
    people: Vec<Person>,
    sockets: Vec<(usize, Socket)>,
    /// A conversation and its two users.
    sessions: Vec<(String, [usize; 2])>,
}

impl Ward {
    async fn open(app: &TestApp) -> Self {
        let mut people = Vec::new();
        for name in ["Li", "Chen", "Wu"] {
            people.push(app.nurse(name).await);
        }
        let mut sessions = Vec::new();
        for pair in [[0, 1], [1, 2], [0, 2]] {
            sessions.push((people[pair[0]].session_with(&people[pair[1]]).await, pair));
        }
        let mut sockets = Vec::new();
        for owner in [0, 1, 2, 0, 1, 2] {
            sockets.push((owner, people[owner].join().await));
        }
        Self {
            people,
            sockets,
            sessions,
        }
    }

    fn conversations_of(&self, owner: usize) -> Vec<&str> {
        let theirs = self
            .sessions
            .iter()
            .filter(|(_, pair)| pair.contains(&owner));
        theirs.map(|(session, _)| session.as_str()).collect()
    }
}

#[derive(Default)]
struct Sent {
    /// By sender, conversation and `clientMsgId`: the request, and the id it got.
    first: BTreeMap<(usize, (String, String)), (Value, String)>,
}

async fn run(ward: &Ward, steps: Vec<Step>) {
    let mut sent = Sent::default();
    // The same ids occur in every conversation: they are unique within one.
    let mut numbers: BTreeMap<(usize, String), u32> = BTreeMap::new();
    // Several calls run at once; each batch of steps is awaited together.
    for batch in steps.chunks(8) {
        let mut waiting = Vec::new();
        for step in batch {
            let asked = match step {
                Step::Send { socket, session } => {
                    let (owner, at) = &ward.sockets[socket % ward.sockets.len()];
                    let sessions = ward.conversations_of(*owner);
                    let session = sessions[session % sessions.len()];
                    let mut message = ward.people[*owner].message(session, "note");
                    let number = numbers.entry((*owner, session.to_owned())).or_default();
                    *number += 1;
                    message["clientMsgId"] = json!(format!("c-{number}"));
                    let client_id = (session.to_owned(), format!("c-{number}"));
                    let answer = at.begin("message:send", message.clone()).await;
                    Some((answer, Some((*owner, client_id, message))))
                }
                Step::Repeat { socket, earlier } => {
                    let (owner, at) = &ward.sockets[socket % ward.sockets.len()];
                    let mine: Vec<_> = sent
                        .first
                        .iter()
                        .filter(|((who, _), _)| who == owner)
                        .collect();
                    match mine.get(earlier % mine.len().max(1)) {
                        Some(((_, client_id), (message, _))) => {
                            let answer = at.begin("message:send", message.clone()).await;
                            Some((answer, Some((*owner, client_id.clone(), message.clone()))))
                        }
                        None => None,
                    }
                }
                Step::Read { socket, heard } => {
                    let (owner, at) = &ward.sockets[socket % ward.sockets.len()];
                    let messages = at.heard("message:receive");
                    match messages.get(heard % messages.len().max(1)) {
                        Some(heard) => {
                            let read = json!({ "messageId": heard["message"]["_id"], "userId": ward.people[*owner].id });
                            Some((at.begin("message:read", read).await, None))
                        }
                        None => None,
                    }
                }
                Step::Delete { socket, own } => {
                    let (owner, _) = &ward.sockets[socket % ward.sockets.len()];
                    let mine: Vec<_> = sent
                        .first
                        .iter()
                        .filter(|((who, _), _)| who == owner)
                        .collect();
                    if let Some((_, (_, id))) = mine.get(own % mine.len().max(1)) {
                        let body = json!({ "userId": ward.people[*owner].id });
                        ward.people[*owner]
                            .call("DELETE", &format!("/api/chat/messages/{id}"), body)
                            .await
                            .expect(200);
                    }
                    None
                }
            };
            waiting.extend(asked);
        }
        for (answer, message) in waiting {
            let answer = tokio::time::timeout(crate::support::socket::PATIENCE, answer)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(answer["success"], json!(true), "{answer}");
            if let Some((owner, client_id, message)) = message {
                let id = text(&answer["data"]["_id"]);
                let known = sent
                    .first
                    .entry((owner, client_id))
                    .or_insert((message, id.clone()));
                assert_eq!(known.1, id, "a repeat answers with the first message");
            }
        }
    }
    check(ward, &sent).await;
}

async fn check(ward: &Ward, sent: &Sent) {
    let mut stored = 0;
    for (session, pair) in &ward.sessions {
        let [one, other] = pair.map(|owner| &ward.people[owner]);
        let history = one.history(session).await;
        let lasting = |mut history: Vec<Value>| {
            // Deliveries may still be under way.
            for message in &mut history {
                let message = message.as_object_mut().unwrap();
                message.remove("status");
                message.remove("deliveredCount");
            }
            history
        };
        let (history, others) = (lasting(history), lasting(other.history(session).await));
        assert_eq!(history, others, "both see the same");
        let seqs: Vec<u64> = history.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert_eq!(
            seqs,
            (1..=history.len() as u64).collect::<Vec<_>>(),
            "no gap, no repeat"
        );
        stored += history.len();
        for person in [one, other] {
            // The read position equals the message's receipts.
            let read = |m: &Value| {
                m["readBy"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|r| r["user"] == json!(person.id))
            };
            let position = history
                .iter()
                .filter(|m| read(m))
                .filter_map(|m| m["seq"].as_u64())
                .max()
                .unwrap_or(0);
            let counted = history.iter().filter(|m| {
                m["sender"] != json!(person.id)
                    && m["seq"].as_u64().unwrap() > position
                    && m["isDeleted"] == json!(false)
            });
            let counted = counted.count() as u64;
            let (_, by_session) = person.unread().await;
            assert_eq!(
                by_session[session].as_u64().unwrap_or(0),
                counted,
                "unread is counting"
            );
            let list = person
                .get(&format!("/api/chat/sessions/{}", person.id))
                .await
                .expect(200);
            let listed = list
                .as_array()
                .unwrap()
                .iter()
                .find(|s| s["_id"] == json!(session))
                .unwrap()
                .clone();
            assert_eq!(
                listed["unreadCount"][&person.id],
                json!(counted),
                "the map is counting"
            );
        }
        for (owner, at) in ward
            .sockets
            .iter()
            .filter(|(owner, _)| pair.contains(owner))
        {
            let me = json!(ward.people[*owner].id);
            for (event, mine) in [("message:sent", true), ("message:receive", false)] {
                let expected: Vec<&Value> = history
                    .iter()
                    .filter(|m| (m["sender"] == me) == mine)
                    .map(|m| &m["_id"])
                    .collect();
                let heard = eventually(async || {
                    let heard: Vec<Value> = at
                        .heard(event)
                        .into_iter()
                        .filter(|h| h["message"]["sessionId"] == json!(session))
                        .map(|h| h["message"]["_id"].clone())
                        .collect();
                    (heard.len() >= expected.len()).then_some(heard)
                })
                .await;
                assert_eq!(
                    heard.iter().collect::<Vec<_>>(),
                    expected,
                    "each socket heard all, once, in order"
                );
            }
        }
    }
    assert_eq!(
        stored,
        sent.first.len(),
        "every clientMsgId is one message of its session"
    );
    // The last pushed state is the current one.
    for (owner, at) in &ward.sockets {
        let (total, _) = ward.people[*owner].unread().await;
        eventually(async || {
            let last = at
                .heard("unread:count")
                .last()
                .map_or(json!(0), |c| c["data"]["unreadCount"].clone());
            (last == json!(total)).then_some(())
        })
        .await;
    }
}

#[test]
fn any_interleaving_keeps_the_invariants() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let app = runtime.block_on(TestApp::unlimited());
    let config = ProptestConfig {
        cases: 12,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&prop::collection::vec(step(), 20..120), |steps| {
        let ward = runtime.block_on(Ward::open(&app));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(run(&ward, steps));
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
