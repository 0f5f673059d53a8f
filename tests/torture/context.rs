//! The shared state of a round's clients: the clock, the history, the addresses, and the users.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::history::{History, Id, Moment, Outcome};

pub const PASSWORD: &str = "a long enough password";

/// The outcome of a call; a success carries the whole envelope.
#[derive(Debug, Clone)]
pub enum Answer {
    Ok(Value),
    Failed,
    /// Refused because it does not exist.
    Missing,
    Unknown,
}

impl Answer {
    pub fn ended(&self) -> Outcome<()> {
        match self {
            Answer::Ok(_) => Outcome::Ok(()),
            Answer::Failed | Answer::Missing => Outcome::Failed,
            Answer::Unknown => Outcome::Unknown,
        }
    }

    pub fn data(&self) -> Option<&Value> {
        if let Answer::Ok(envelope) = self {
            Some(&envelope["data"])
        } else {
            None
        }
    }
}

/// The environment of a round.
pub struct TestContext {
    start: Instant,
    history: Mutex<History>,
    wires: AtomicU32,
    /// The addresses of the nodes.
    pub nodes: Vec<String>,
    pub http: reqwest::Client,
    /// How long a client waits for an answer before the outcome counts as unknown.
    pub patience: Duration,
    /// Set while the workload runs.
    pub running: AtomicBool,
}

impl TestContext {
    pub fn new(history: History, nodes: Vec<String>, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            history: Mutex::new(history),
            wires: AtomicU32::new(1),
            nodes,
            http: reqwest::Client::builder()
                .timeout(patience)
                .build()
                .unwrap(),
            patience,
            running: AtomicBool::new(true),
        })
    }

    pub fn now(&self) -> Moment {
        Moment::try_from(self.start.elapsed().as_micros()).unwrap_or(Moment::MAX)
    }

    pub fn record<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn next_wire(&self) -> u32 {
        self.wires.fetch_add(1, Ordering::Relaxed)
    }

    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Parses an envelope. The workload sends no content that may be refused. A refusal other than
    /// those of load, outage, ended tokens and deactivated users is therefore odd. `may_miss` means
    /// that the requested item may not exist: a message deleted meanwhile, or the user's own
    /// membership.
    pub fn judge(&self, what: &str, envelope: Value, may_miss: bool) -> Answer {
        let code = envelope["code"].as_str().unwrap_or_default().to_owned();
        let outcome = envelope["details"]["outcome"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let success = envelope["success"].as_bool();
        let is_missing = matches!(code.as_str(), "NOT_FOUND" | "CONVERSATION_NOT_FOUND");
        let is_foreseen = match (success, code.as_str()) {
            (Some(true), _) | (Some(false), "RATE_LIMITED" | "AUTH_FAILED" | "TOKEN_EXPIRED") => {
                true
            }
            (Some(false), "CONFLICT") => envelope["details"]["reason"] == "recipientInactive",
            (Some(false), "INTERNAL") => matches!(outcome.as_str(), "refused" | "unknown"),
            (Some(false), _) => is_missing && may_miss,
            (None, _) => false,
        };
        if !is_foreseen {
            self.odd(format!("{what}: {envelope}"));
        }
        let answer = match (success, code.as_str()) {
            (Some(true), _) => Answer::Ok(envelope),
            (None, _) | (_, "") => Answer::Unknown,
            (_, "INTERNAL") if outcome != "refused" => Answer::Unknown,
            _ if is_missing => Answer::Missing,
            _ => Answer::Failed,
        };
        self.record(|history| {
            history.answers += u64::from(is_foreseen);
            if !(code.is_empty() || is_missing && may_miss) {
                let outcome = if answer.ended() == Outcome::Unknown {
                    "unknown"
                } else {
                    "refused"
                };
                *history
                    .refusals
                    .entry(format!("{code} {outcome}"))
                    .or_default() += 1;
            }
        });
        answer
    }

    pub fn odd(&self, what: String) {
        self.record(|history| history.oddities.push(what));
    }

    /// A REST call for which a refusal of its content would be odd.
    pub async fn call(
        &self,
        node: usize,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        match self.raw(node, method, path, token, body).await {
            Ok((_, envelope)) => self.judge(&format!("{method} {path}"), envelope, false),
            Err(answer) => answer,
        }
    }

    /// A REST call: status and body, or the outcome when there is none.
    pub async fn raw(
        &self,
        node: usize,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<(u16, Value), Answer> {
        let address = &self.nodes[node % self.nodes.len()];
        let mut request = self
            .http
            .request(method.parse().unwrap(), format!("http://{address}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| {
            // No listener: the request was never sent.
            if error.is_connect() {
                Answer::Failed
            } else {
                Answer::Unknown
            }
        })?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|_| Answer::Unknown)?;
        Ok((
            status,
            serde_json::from_slice(&bytes).map_err(|_| Answer::Unknown)?,
        ))
    }

    /// Signs in; retries while the service is unavailable.
    pub async fn login(&self, node: usize, username: &str) -> Option<String> {
        let body = json!({ "username": username, "password": PASSWORD });
        let answer = self
            .call(node, "POST", "/api/auth/login", None, Some(body))
            .await;
        answer
            .data()
            .and_then(|data| data["token"].as_str())
            .map(str::to_owned)
    }
}

/// A message to be sent, or sent.
#[derive(Debug, Clone)]
pub struct Draft {
    pub session: Id,
    pub key: u64,
    pub content: String,
}

/// Messages to be forwarded, or forwarded.
#[derive(Debug, Clone)]
pub struct ForwardDraft {
    pub key: u64,
    /// Message and conversation.
    pub sources: Vec<(Id, Id)>,
    pub targets: Vec<Id>,
    pub merged: bool,
}

/// A user, with the state that their devices share.
pub struct Person {
    pub id: Id,
    pub name: String,
    /// The user's conversations.
    pub sessions: Mutex<Vec<Id>>,
    /// The high bits of the user's keys.
    pub number: u64,
    next_key: AtomicU64,
    /// Sends whose outcome is unknown, or that failed.
    pub lost: Mutex<Vec<Draft>>,
    /// Some acknowledged sends.
    pub acknowledged: Mutex<VecDeque<Draft>>,
    /// Forwards whose outcome is unknown or that failed, and a few acknowledged ones.
    pub forwards: Mutex<VecDeque<ForwardDraft>>,
    /// The conversations that are groups.
    pub groups: Mutex<Vec<Id>>,
    /// The groups from which the user is removed and re-added.
    pub wanders_in: Mutex<Vec<Id>>,
    pub is_deactivated: AtomicBool,
}

impl Person {
    pub fn new(id: Id, name: String, number: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            name,
            sessions: Mutex::default(),
            number,
            next_key: AtomicU64::new(1),
            lost: Mutex::default(),
            acknowledged: Mutex::default(),
            forwards: Mutex::default(),
            groups: Mutex::default(),
            wanders_in: Mutex::default(),
            is_deactivated: AtomicBool::new(false),
        })
    }

    pub fn next_key(&self) -> u64 {
        (self.number << 32) | self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    pub fn sessions(&self) -> Vec<Id> {
        self.sessions.lock().unwrap().clone()
    }

    /// Whether the user may be without a membership there at any time.
    pub fn wanders(&self, session: Id) -> bool {
        self.wanders_in.lock().unwrap().contains(&session)
    }

    /// Keeps a few acknowledged sends, to be repeated.
    pub fn remember(&self, draft: Draft) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.push_back(draft);
        if acknowledged.len() > 40 {
            acknowledged.pop_front();
        }
    }

    /// Keeps some forwards, to be repeated.
    pub fn keep_forward(&self, draft: ForwardDraft) {
        let mut forwards = self.forwards.lock().unwrap();
        forwards.retain(|known| known.key != draft.key);
        forwards.push_back(draft);
        if forwards.len() > 40 {
            forwards.pop_front();
        }
    }
}
