//! Statistics for admins equal a plain count of all messages, after restarts and crashes too.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use wardline::{app::App, config::Settings, domain::SystemClock};

use crate::{
    groups::group,
    support::{MockClock, PASSWORD, Person, TestApp, eventually, settings, text},
};

const ROLLUPS: [&str; 4] = [
    "stats_positions",
    "stats_periods",
    "stats_people",
    "stats_unread",
];

fn with_admin(zone: &str) -> Settings {
    settings(&[
        ("ADMIN_USERNAME", "director"),
        ("ADMIN_PASSWORD", PASSWORD),
        ("RATE_LIMIT", "off"),
        ("TIME_ZONE", zone),
        ("JWT_TTL", "7d"),
    ])
}

async fn get(admin: &Person, path: &str) -> Value {
    admin
        .get(&format!("/api/chat/stats{path}"))
        .await
        .expect(200)
}

async fn all(app: &TestApp, name: &str, filter: Document, sort: Document) -> Vec<Document> {
    let collection = app.database().await.collection::<Document>(name);
    let cursor = collection.find(filter).sort(sort).await.unwrap();
    cursor.try_collect().await.unwrap()
}

/// Everything in the rollups, except users without unread messages.
async fn rollups(app: &TestApp) -> BTreeMap<String, Vec<Document>> {
    let mut rollups = BTreeMap::new();
    for name in ROLLUPS {
        let rows = all(
            app,
            name,
            doc! { "unread": { "$ne": 0 } },
            doc! { "_id": 1 },
        )
        .await;
        rollups.insert(name.to_owned(), rows);
    }
    rollups
}

/// Counted from the messages and conversations: messages, replies, unread.
async fn counted(app: &TestApp) -> (u64, u64, u64) {
    let said = doc! { "system": { "$exists": false } };
    let messages = all(app, "messages", said, doc! { "sessionId": 1, "seq": 1 }).await;
    let place = |m: &Document| {
        (
            m.get_object_id("sessionId").unwrap(),
            m.get_object_id("sender").unwrap(),
        )
    };
    let answers = messages.windows(2).filter(|pair| {
        let (before, after) = (place(&pair[0]), place(&pair[1]));
        before.0 == after.0 && before.1 != after.1
    });
    let sessions = all(app, "sessions", doc! {}, doc! {}).await;
    let unread = sessions
        .iter()
        .flat_map(|session| session.get_document("unreadCount").unwrap().values());
    let unread: i64 = unread.map(|count| count.as_i64().unwrap()).sum();
    (
        messages.len() as u64,
        answers.count() as u64,
        u64::try_from(unread).unwrap(),
    )
}

async fn agrees(app: &TestApp, admin: &Person) {
    let told = get(admin, "").await;
    let told = ["/messages/total", "/responseTime/count", "/unread/total"]
        .map(|path| told.pointer(path).and_then(Value::as_u64).unwrap());
    let (messages, answers, unread) = counted(app).await;
    assert_eq!(told, [messages, answers, unread]);
}

/// Random users perform random operations in two private conversations and a group.
async fn busy_ward(people: &[Person], rng: &mut StdRng, steps: usize) {
    let [li, chen, wu] = people else {
        unreachable!()
    };
    let sessions = [
        li.session_with(chen).await,
        chen.session_with(wu).await,
        group(li, &[chen, wu], "三病区").await,
    ];
    let inside = |place: usize| match place {
        0 => vec![li, chen],
        1 => vec![chen, wu],
        _ => vec![li, chen, wu],
    };
    for step in 0..steps {
        let place = rng.random_range(0..3);
        let (session, members) = (&sessions[place], inside(place));
        let person = members[rng.random_range(0..members.len())];
        match rng.random_range(0..12) {
            0..7 => drop(person.send(session, &format!("message {step}")).await),
            7..9 => {
                if let Some(last) = person.history(session).await.last() {
                    person.read(last).await;
                }
            }
            9 => {
                let history = person.history(session).await;
                let own = history
                    .iter()
                    .find(|m| m["sender"] == json!(person.id) && m["system"].is_null());
                if let Some(own) = own {
                    let path = format!("/api/chat/messages/{}", text(&own["_id"]));
                    person
                        .call("DELETE", &path, json!({ "userId": person.id }))
                        .await
                        .expect(200);
                }
            }
            10 => {
                let body = json!({ "sessionName": format!("三病区 {step}") });
                li.call(
                    "PATCH",
                    &format!("/api/chat/sessions/{}", sessions[2]),
                    body,
                )
                .await
                .expect(200);
            }
            _ => {
                let path = format!("/api/chat/sessions/{}/participants", sessions[2]);
                li.call("DELETE", &format!("{path}/{}", wu.id), json!({}))
                    .await
                    .expect(200);
                li.call("POST", &path, json!({ "userIds": [wu.id] }))
                    .await
                    .expect(200);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_sees_the_day_of_the_ward() {
    let clock = MockClock::starting_now();
    let app = TestApp::with(with_admin("Asia/Shanghai"), clock.clone()).await;
    let admin = app.admin().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let path = format!("/api/chat/users/{}", li.id);
    admin
        .call("PATCH", &path, json!({ "department": "=Cardiology" }))
        .await
        .expect(200);
    let session = li.session_with(&chen).await;
    let at_li = li.join().await;

    li.send(&session, "Is bed 3 free?").await;
    clock.advance(Duration::from_secs(20));
    li.send(&session, "And bed 4?").await;
    clock.advance(Duration::from_secs(40));
    let answer = chen.send(&session, "Both").await;

    let overview = get(&admin, "").await;
    assert_eq!(overview["messages"]["total"], json!(3), "{overview}");
    assert_eq!(
        overview["messages"]["byType"],
        json!({ "text": 3, "image": 0, "file": 0, "voice": 0 })
    );
    assert_eq!(
        overview["sessions"],
        json!({ "total": 1, "private": 1, "group": 0 })
    );
    assert_eq!(
        (&overview["users"]["total"], &overview["users"]["active"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(overview["timeZone"], json!("Asia/Shanghai"));
    assert_eq!(overview["unread"], json!({ "total": 3, "people": 2 }));
    let median = overview["responseTime"]["medianMs"].as_f64().unwrap();
    assert!((median / 60_000.0 - 1.0).abs() < 0.026, "{median}");
    eventually(|| async { (get(&admin, "").await["users"]["online"] == json!(1)).then_some(()) })
        .await;

    li.read(&answer).await;
    assert_eq!(
        get(&admin, "").await["unread"],
        json!({ "total": 2, "people": 1 })
    );

    // Two days later the trend has every day, and the hours without messages.
    clock.advance(Duration::from_hours(48));
    li.send(&session, "Good morning").await;
    let days = get(&admin, "/trends?days=3").await;
    let said: Vec<u64> = days
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["messages"].as_u64().unwrap())
        .collect();
    assert_eq!(said.len(), 3);
    assert_eq!((said.iter().sum::<u64>(), said[2]), (4, 1));
    assert_eq!(days[2]["activePeople"], json!(1));
    assert_eq!(
        days[2]["responseMedianMs"].as_u64().unwrap() / 3_600_000,
        47,
        "{days}"
    );
    assert!(
        text(&days[0]["start"]).ends_with("T16:00:00.000Z"),
        "midnight in Shanghai: {days}"
    );
    let hours = get(&admin, "/trends?days=3&granularity=hour").await;
    let hours = hours.as_array().unwrap();
    assert!((49..=72).contains(&hours.len()), "{}", hours.len());
    assert_eq!(
        hours
            .iter()
            .map(|hour| hour["messages"].as_u64().unwrap())
            .sum::<u64>(),
        4
    );

    let departments = get(&admin, "/departments?days=3").await;
    assert_eq!(departments[0]["department"], json!("=Cardiology"));
    assert_eq!(
        (&departments[0]["messages"], &departments[0]["online"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(
        (&departments[1]["people"], &departments[1]["unread"]),
        (&json!(2), &json!(3))
    );
    let busiest = get(&admin, "/users?days=3&limit=1").await;
    assert_eq!(
        (&busiest[0]["username"], &busiest[0]["sent"]),
        (&json!(li.username), &json!(3))
    );
    let waiting = get(&admin, "/users?sort=unread").await;
    assert_eq!(
        (&waiting[0]["username"], &waiting[0]["unread"]),
        (&json!(chen.username), &json!(3))
    );
    drop(at_li);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spreadsheet_gets_a_table_without_formulas() {
    let app = TestApp::with(with_admin("UTC"), Arc::new(SystemClock)).await;
    let admin = app.admin().await;
    let li = app.nurse("Li").await;
    let path = format!("/api/chat/users/{}", li.id);
    admin
        .call("PATCH", &path, json!({ "department": "=1+1, \"A\"" }))
        .await
        .expect(200);
    let fetch = async |path: &str| {
        let request =
            reqwest::Client::new().get(format!("http://{}/api/chat/stats{path}", app.address));
        let answer = request
            .bearer_auth(&admin.token)
            .header("accept", "text/csv")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
        assert!(
            answer.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with("attachment")
        );
        answer.text().await.unwrap()
    };
    let departments = fetch("/departments").await;
    assert!(
        departments.starts_with("\u{feff}department,people,"),
        "{departments}"
    );
    assert!(
        departments.contains("\r\n\"'=1+1, \"\"A\"\"\",1,0,0,0,0,,\r\n"),
        "{departments}"
    );
    assert_eq!(fetch("/trends?days=30").await.lines().count(), 31);
    assert_eq!(fetch("/users").await.lines().count(), 3);
    assert_eq!(fetch("").await.lines().count(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overall_statistics_are_for_admins_and_within_bounds() {
    let app = TestApp::with(with_admin("UTC"), Arc::new(SystemClock)).await;
    let (admin, li) = (app.admin().await, app.nurse("Li").await);
    for path in ["", "/trends", "/departments", "/users"] {
        assert_eq!(
            li.get(&format!("/api/chat/stats{path}")).await.refused(403),
            "FORBIDDEN"
        );
        assert_eq!(
            app.call("GET", &format!("/api/chat/stats{path}"), json!({}))
                .await
                .status,
            401
        );
    }
    for query in [
        "/trends?days=0",
        "/trends?days=367",
        "/trends?days=32&granularity=hour",
        "/trends?granularity=minute",
        "/departments?days=x",
        "/users?sort=department",
        "/users?limit=1001",
    ] {
        let refused = admin
            .get(&format!("/api/chat/stats{query}"))
            .await
            .refused(400);
        assert_eq!(refused, "VALIDATION_FAILED", "{query}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_after_a_crash_or_anew_gives_the_same() {
    let mut rng = StdRng::seed_from_u64(4);
    let settings = with_admin("Asia/Shanghai");
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    let admin = app.admin().await;
    let people = [
        app.nurse("Li").await,
        app.nurse("Chen").await,
        app.nurse("Wu").await,
    ];
    busy_ward(&people, &mut rng, 60).await;
    agrees(&app, &admin).await;
    let halfway = rollups(&app).await;
    busy_ward(&people, &mut rng, 60).await;
    agrees(&app, &admin).await;
    app.stop().await;

    // A process that dies loses what it had not counted: as if it had died halfway.
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    agrees(&app, &admin_of(&app).await).await;
    let whole = rollups(&app).await;
    let database = app.database().await;
    app.stop().await;
    for (name, rows) in halfway {
        let collection = database.collection::<Document>(&name);
        collection.delete_many(doc! {}).await.unwrap();
        collection.insert_many(rows).await.unwrap();
    }
    let app = TestApp::with(settings.clone(), Arc::new(SystemClock)).await;
    agrees(&app, &admin_of(&app).await).await;
    assert_eq!(rollups(&app).await, whole);

    // Counted anew while users continue.
    let beside = App::open(settings.clone(), Arc::new(SystemClock))
        .await
        .unwrap();
    let people = people.map(|person| person.acting_as(&person.id));
    let mut again = people.to_vec();
    for person in &mut again {
        *person = app.person(&json!({
            "user": { "_id": person.id, "username": person.username }, "token": person.token,
        }));
    }
    let mut more = StdRng::seed_from_u64(5);
    let (recounted, ()) = tokio::join!(
        beside.services.recount_statistics(),
        busy_ward(&again, &mut more, 40)
    );
    recounted.unwrap();
    let admin = admin_of(&app).await;
    // A process that met the cleared rollups counts its queue in its next round.
    beside.services.catch_up_statistics().await.unwrap();
    agrees(&app, &admin).await;
    let live = rollups(&app).await;
    beside.services.recount_statistics().await.unwrap();
    assert_eq!(rollups(&app).await, live);
    beside.close().await.unwrap();
    app.stop().await;

    // Another time zone: the same messages on other days.
    let mut elsewhere = settings;
    elsewhere.general.calendar = with_admin("America/Lima").general.calendar;
    let app = TestApp::with(elsewhere, Arc::new(SystemClock)).await;
    let admin = admin_of(&app).await;
    eventually(|| async { (get(&admin, "").await["messages"]["total"] != json!(0)).then_some(()) })
        .await;
    agrees(&app, &admin).await;
    app.stop().await;
}

async fn admin_of(app: &TestApp) -> Person {
    let admin = app.admin().await;
    // The start catches up in the background.
    eventually(|| async { (admin.get("/api/chat/stats").await.status == 200).then_some(()) }).await;
    admin
}
