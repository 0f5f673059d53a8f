//! The owner of a group, who removes and re-adds members, whatever fails meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    context::{Answer, Person, TestContext},
    history::changes::Absence,
    history::{Id, Intrusion},
};

/// How often a step is tried until it is known to be done.
const TRIES: usize = 200;
const BETWEEN_TRIES: Duration = Duration::from_millis(300);
/// The pauses before a removal and before the return, ms.
const PRESENT: std::ops::Range<u64> = 300..1_500;
const AWAY: std::ops::Range<u64> = 200..1_500;

/// An owner of a group, and the members that are removed and re-added.
pub struct MembershipGenerator {
    context: Arc<TestContext>,
    session: Id,
    /// The owner's, of no device.
    token: String,
    wanderers: Vec<Arc<Person>>,
    /// The number of its calls: it uses one node after the other.
    asked: AtomicUsize,
}

impl MembershipGenerator {
    pub fn new(
        context: &Arc<TestContext>,
        session: Id,
        token: String,
        wanderers: Vec<Arc<Person>>,
    ) -> Self {
        Self {
            context: Arc::clone(context),
            session,
            token,
            wanderers,
            asked: AtomicUsize::new(0),
        }
    }

    /// Removes and adds until the workload stops. Then the first wanderer is a member, and the
    /// others are not.
    pub async fn work(self, mut rng: StdRng) {
        let mut turn = 0;
        while self.context.is_running() {
            let mut step = StdRng::seed_from_u64(rng.random());
            tokio::time::sleep(Duration::from_millis(step.random_range(PRESENT))).await;
            let person = &self.wanderers[turn % self.wanderers.len()];
            let Some(absence) = self.remove(person).await else {
                return;
            };
            tokio::time::sleep(Duration::from_millis(step.random_range(AWAY))).await;
            self.add(person, absence).await;
            turn += 1;
        }
        for person in self.wanderers.iter().skip(1) {
            self.remove(person).await;
            let session = self.session;
            person
                .sessions
                .lock()
                .unwrap()
                .retain(|one| *one != session);
            person.groups.lock().unwrap().retain(|one| *one != session);
        }
    }

    /// Removes a member; returns the number of the absence once the removal is known.
    async fn remove(&self, person: &Person) -> Option<usize> {
        let absence = Absence::new(person.id, self.session, self.context.now());
        let number = self.context.record(|history| {
            history.absences.push(absence);
            history.absences.len() - 1
        });
        let path = format!(
            "/api/chat/sessions/{}/participants/{}",
            self.session, person.id
        );
        let mut in_doubt = false;
        for _ in 0..TRIES {
            let answer = self.ask("DELETE", &path, None, in_doubt).await;
            let is_out = match answer {
                Answer::Ok(_) => true,
                Answer::Missing => in_doubt,
                Answer::Failed | Answer::Unknown => false,
            };
            let now = self.context.now();
            self.context.record(|history| {
                let absence = &mut history.absences[number];
                absence.tries += usize::from(matches!(answer, Answer::Ok(_) | Answer::Unknown));
                if is_out {
                    absence.answered = Some(now);
                    absence.is_sure = !in_doubt;
                }
            });
            if is_out {
                return Some(number);
            }
            in_doubt |= matches!(answer, Answer::Unknown);
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        self.context
            .odd(format!("{} could not be removed", person.name));
        None
    }

    async fn add(&self, person: &Person, absence: usize) {
        let now = self.context.now();
        self.context
            .record(|history| history.absences[absence].return_begun = Some(now));
        let path = format!("/api/chat/sessions/{}/participants", self.session);
        let body = json!({ "userIds": [person.id.to_string()] });
        for _ in 0..TRIES {
            if let Answer::Ok(_) = self.ask("POST", &path, Some(body.clone()), false).await {
                let now = self.context.now();
                self.context
                    .record(|history| history.absences[absence].returned = Some(now));
                return;
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        self.context
            .odd(format!("{} could not be added", person.name));
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>, may_miss: bool) -> Answer {
        let node = self.asked.fetch_add(1, Ordering::Relaxed);
        match self
            .context
            .raw(node, method, path, Some(&self.token), body)
            .await
        {
            Ok((_, envelope)) => {
                self.context
                    .judge(&format!("{method} {path}"), envelope, may_miss)
            }
            Err(answer) => answer,
        }
    }

    /// Checks at the end that former members see nothing of the group.
    pub async fn look_from_outside(context: &TestContext, session: Id, token: &str) {
        for (path, is_absent) in [
            (format!("/api/chat/messages/{session}"), true),
            (format!("/api/chat/sessions/{session}/info"), true),
            ("/api/auth/me".to_owned(), false),
        ] {
            if let Ok((status, body)) = context.raw(0, "GET", &path, Some(token), None).await {
                let refused = (status == 404) == is_absent;
                let what = format!("after a removal GET {path} was answered with {status}: {body}");
                context.record(|history| history.intrusions.push(Intrusion { what, refused }));
            }
        }
    }
}
