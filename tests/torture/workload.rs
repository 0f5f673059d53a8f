//! The users of a round: twelve with conversations between them, two of them groups, two outsiders
//! without, an admin. Also their devices, and the operations of the outsiders and the admin.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    client::Device,
    client_connection::ConnectionOptions,
    context::{Answer, PASSWORD, Person, TestContext},
    generator::membership::MembershipGenerator,
    history::{Id, Intrusion, Outcome, Removal},
    service::ADMIN,
};

const PEOPLE: usize = 12;
const OUTSIDERS: usize = 2;
/// The number of users with a second device.
const SECOND_DEVICES: usize = 8;

/// The groups: the owner, the other members, those who leave and return, and whether the history is
/// shown to new members.
const GROUPS: [(usize, &[usize], &[usize], bool); 2] = [
    (0, &[1, 2, 3, 4, 6, 7, 8], &[7, 8], false),
    (5, &[1, 4, 6, 9, 10, 11], &[10, 9], true),
];

/// Orders for a device between two operations.
pub const VANISH_FROZEN: u8 = 1;
pub const VANISH_RESET: u8 = 2;

pub struct Workload {
    pub people: Vec<Arc<Person>>,
    pub outsiders: Vec<Arc<Person>>,
    /// The last of the users is deactivated half-way.
    pub leaver: Arc<Person>,
    admin: String,
    orders: Mutex<Vec<Arc<AtomicU8>>>,
    /// Devices added by the fault; at the end they are checked like all others.
    pub guests: Mutex<Vec<Device>>,
}

async fn register(context: &TestContext, name: String, number: u64) -> (Arc<Person>, String) {
    let body = json!({ "username": name, "password": PASSWORD, "realName": name });
    let answer = context
        .call(0, "POST", "/api/auth/register", None, Some(body))
        .await;
    let data = answer
        .data()
        .unwrap_or_else(|| panic!("{name} is registered: {answer:?}"));
    let token = data["token"].as_str().unwrap().to_owned();
    (
        Person::new(Id::of(&data["user"]["_id"]), name, number),
        token,
    )
}

impl Workload {
    /// Registers all users and opens their conversations; returns the devices and the desks, too.
    pub async fn assemble(
        context: &Arc<TestContext>,
        round: &str,
    ) -> (Self, Vec<Device>, Vec<MembershipGenerator>) {
        let names = (0..PEOPLE + OUTSIDERS).map(|number| (number, format!("{round}p{number}")));
        let joined = names.map(|(number, name)| register(context, name, number as u64 + 1));
        let mut joined = futures_util::future::join_all(joined).await;
        let outsiders = joined.split_off(PEOPLE);
        let people: Vec<Arc<Person>> = joined
            .iter()
            .map(|(person, _)| Arc::clone(person))
            .collect();
        for (place, (person, token)) in joined.iter().enumerate() {
            let other = &people[(place + 1) % PEOPLE];
            open_session(context, (person, token), other).await;
        }
        let mut desks = Vec::new();
        for (owner, others, wanderers, is_open) in GROUPS {
            let all = |places: &[usize]| -> Vec<Arc<Person>> {
                places
                    .iter()
                    .map(|place| Arc::clone(&people[*place]))
                    .collect()
            };
            let session = open_group(
                context,
                (&people[owner], &joined[owner].1),
                &all(others),
                is_open,
            )
            .await;
            for wanderer in all(wanderers) {
                wanderer.wanders_in.lock().unwrap().push(session);
            }
            let token = context
                .login(0, &people[owner].name)
                .await
                .expect("the owner signs in");
            desks.push(MembershipGenerator::new(
                context,
                session,
                token,
                all(wanderers),
            ));
        }
        let mut devices = Vec::new();
        let mut add = |person: &Arc<Person>, token: String, device: usize| {
            let manner = ConnectionOptions {
                acknowledges: (devices.len() + device).is_multiple_of(2),
                receive_buffer: None,
            };
            let name = format!("{}/{device}", person.name);
            let mut device = Device::new(name, person, context, token, manner);
            device.node = devices.len();
            devices.push(device);
        };
        let second = people
            .iter()
            .take(SECOND_DEVICES)
            .map(|person| context.login(0, &person.name));
        let second = futures_util::future::join_all(second).await;
        for (person, token) in joined.iter().chain(&outsiders) {
            add(person, token.clone(), 0);
        }
        for (person, token) in people.iter().zip(second) {
            add(person, token.expect("a second sign-in"), 1);
        }
        let body = json!({ "username": ADMIN, "password": PASSWORD });
        let answer = context
            .call(0, "POST", "/api/auth/login", None, Some(body))
            .await;
        let admin = answer.data().unwrap()["token"].as_str().unwrap().to_owned();
        let outsiders = outsiders.into_iter().map(|(person, _)| person).collect();
        let leaver = Arc::clone(&people[PEOPLE - 1]);
        let workload = Self {
            people,
            outsiders,
            leaver,
            admin,
            orders: Mutex::default(),
            guests: Mutex::default(),
        };
        for device in &devices {
            workload
                .orders
                .lock()
                .unwrap()
                .push(Arc::clone(&device.order));
        }
        (workload, devices, desks)
    }

    /// Orders a third of the devices to vanish in the middle of sending.
    pub fn vanish(&self, rng: &mut StdRng) {
        for order in self.orders.lock().unwrap().iter() {
            let roll = rng.random_range(0..6);
            if roll < 2 {
                order.store([VANISH_FROZEN, VANISH_RESET][roll], Ordering::Relaxed);
            }
        }
    }

    async fn set_active(&self, context: &TestContext, is_active: bool) -> bool {
        for _ in 0..60 {
            let path = format!("/api/chat/users/{}", self.leaver.id);
            let body = Some(json!({ "isActive": is_active }));
            if let Answer::Ok(_) = context
                .call(0, "PATCH", &path, Some(&self.admin), body)
                .await
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        context.odd("the admin could not change an account".to_owned());
        false
    }

    /// The admin deactivates the leaver; after the answer, the leaver receives nothing.
    pub async fn deactivate(&self, context: &TestContext) {
        if !self.set_active(context, false).await {
            return;
        }
        let (person, answered) = (self.leaver.id, context.now());
        context.record(|history| {
            let theirs = history
                .wires
                .iter()
                .filter(|(_, wire)| wire.person == person);
            let wires = theirs.map(|(number, _)| *number).collect();
            history.endings.push(Removal {
                person,
                wires,
                answered,
                why: "deactivation",
            });
        });
        self.leaver.is_deactivated.store(true, Ordering::Relaxed);
    }

    /// Reactivates the leaver, so that their state can be checked, too.
    pub async fn reactivate(&self, context: &TestContext) {
        self.set_active(context, true).await;
        self.leaver.is_deactivated.store(false, Ordering::Relaxed);
    }
}

async fn open_session(
    context: &TestContext,
    (one, token): (&Arc<Person>, &str),
    other: &Arc<Person>,
) {
    let body = json!({ "userId1": one.id.to_string(), "userId2": other.id.to_string() });
    let answer = context
        .call(
            0,
            "POST",
            "/api/chat/sessions/private",
            Some(token),
            Some(body),
        )
        .await;
    let session = Id::of(
        &answer
            .data()
            .unwrap_or_else(|| panic!("a session: {answer:?}"))["_id"],
    );
    for person in [one, other] {
        person.sessions.lock().unwrap().push(session);
    }
    context.record(|history| history.members.insert(session, vec![one.id, other.id]));
}

async fn open_group(
    context: &TestContext,
    (owner, token): (&Arc<Person>, &str),
    others: &[Arc<Person>],
    is_open: bool,
) -> Id {
    let participants: Vec<String> = others.iter().map(|other| other.id.to_string()).collect();
    let body = json!({ "sessionName": "Cluster round", "participants": participants, "historyVisible": is_open });
    let answer = context
        .call(
            0,
            "POST",
            "/api/chat/sessions/group",
            Some(token),
            Some(body),
        )
        .await;
    let session = Id::of(
        &answer
            .data()
            .unwrap_or_else(|| panic!("a group: {answer:?}"))["_id"],
    );
    let mut members = Vec::new();
    for person in others.iter().chain([owner]) {
        person.sessions.lock().unwrap().push(session);
        person.groups.lock().unwrap().push(session);
        members.push(person.id);
    }
    context.record(|history| {
        if is_open {
            history.open.insert(session);
        }
        history.members.insert(session, members);
    });
    session
}

/// The work of an outsider's device: tries what must be refused, and records events.
pub async fn intrude(mut device: Device, mut rng: StdRng) -> Device {
    while device.context.is_running() {
        let mut step = StdRng::seed_from_u64(rng.random());
        if !device.is_connected() {
            device.connect(&mut step).await;
            continue;
        }
        try_something(&device, &mut step).await;
        tokio::time::sleep(Duration::from_millis(step.random_range(100..500))).await;
    }
    device
}

async fn try_something(device: &Device, rng: &mut StdRng) {
    let (kind, place) = (rng.random_range(0..11), rng.random::<u32>() as usize);
    let target = device.context.record(|history| {
        let sessions: Vec<Id> = history.members.keys().copied().collect();
        let session = sessions.get(place % sessions.len().max(1)).copied();
        let known = history
            .attempts
            .iter()
            .rev()
            .find_map(|attempt| match attempt.outcome {
                Outcome::Ok((id, _)) => Some(id),
                Outcome::Failed | Outcome::Unknown => None,
            });
        session.zip(known)
    });
    let Some((session, message)) = target else {
        return;
    };
    let me = device.person.id.to_string();
    let own = json!({ "userId": me });
    let text = json!({ "sessionId": session.to_string(), "senderId": me, "content": "let me in" });
    let (method, path, body) = match kind {
        0 => ("GET", format!("/api/chat/messages/{session}"), None),
        1 => ("POST", "/api/chat/messages".to_owned(), Some(text)),
        2 => (
            "PUT",
            format!("/api/chat/messages/{message}/read"),
            Some(own),
        ),
        3 => ("DELETE", format!("/api/chat/messages/{message}"), Some(own)),
        4 => {
            let other = device
                .context
                .record(|history| history.members[&session][0]);
            ("GET", format!("/api/chat/messages/unread/{other}"), None)
        }
        5 => (
            "PUT",
            format!("/api/chat/messages/{message}"),
            Some(json!({ "content": "mine now" })),
        ),
        6 => ("POST", format!("/api/chat/messages/{message}/recall"), None),
        7 => (
            "POST",
            format!("/api/chat/messages/{message}/reactions"),
            Some(json!({ "emoji": "👀" })),
        ),
        8 => {
            let own = json!({ "messageIds": [message.to_string()], "toSessionIds": [session.to_string()] });
            ("POST", "/api/chat/messages/forward".to_owned(), Some(own))
        }
        9 => {
            let own = json!({ "userIds": [me] });
            (
                "POST",
                format!("/api/chat/sessions/{session}/participants"),
                Some(own),
            )
        }
        _ => return sync_what_is_not_ours(device, session).await,
    };
    let context = &device.context;
    if let Ok((status, body)) = context
        .raw(device.node, method, &path, Some(&device.token), body)
        .await
    {
        // 503: the service could not check.
        let refused = matches!(status, 403 | 404 | 429 | 503);
        let what = format!("an outsider's {method} {path} was answered with {status}: {body}");
        context.record(|history| history.intrusions.push(Intrusion { what, refused }));
    }
}

async fn sync_what_is_not_ours(device: &Device, session: Id) {
    let ask = json!({ "sessions": { session.to_string(): 0 } });
    if let Some(data) = device.ask("chat:sync", &ask).await.data() {
        let refused = data["sessions"]
            .as_object()
            .is_some_and(serde_json::Map::is_empty)
            && data["removed"] == json!([Value::from(session.to_string())]);
        let what = format!("an outsider's chat:sync was answered with {data}");
        device
            .context
            .record(|history| history.intrusions.push(Intrusion { what, refused }));
    }
}
