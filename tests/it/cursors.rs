//! Lists that change while they are paged through: with a cursor, no entry is missed that was there
//! throughout, and none comes twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use wardline::domain::SystemClock;

use crate::{
    groups::group,
    support::{MockClock, Person, TestApp, eventually, settings, text},
};

/// One page of a list: the ids, and the next cursor.
async fn look(
    person: &Person,
    path: &str,
    cursor: Option<&str>,
) -> (Vec<String>, Option<String>, Value) {
    let path = format!("{path}&cursor={}", cursor.unwrap_or("start"));
    let reply = person.get(&path).await;
    let pagination = reply.body["pagination"].clone();
    let next = pagination["nextCursor"].as_str().map(str::to_owned);
    assert_eq!(
        next.is_some(),
        pagination["hasMore"] == json!(true),
        "{pagination}"
    );
    let data = reply.expect(200);
    (
        data.as_array()
            .unwrap()
            .iter()
            .map(|entry| text(&entry["_id"]))
            .collect(),
        next,
        pagination,
    )
}

/// Pages through a list to its end and runs `meanwhile` between two pages. Returns how often each
/// entry came.
async fn walk(
    person: &Person,
    path: &str,
    mut meanwhile: impl AsyncFnMut(),
) -> BTreeMap<String, u32> {
    let mut came = BTreeMap::new();
    let mut cursor = None;
    loop {
        let (ids, next, _) = look(person, path, cursor.as_deref()).await;
        for id in ids {
            *came.entry(id).or_default() += 1;
        }
        cursor = next;
        if cursor.is_none() {
            return came;
        }
        meanwhile().await;
    }
}

#[track_caller]
fn each_once(came: &BTreeMap<String, u32>, throughout: &BTreeSet<String>, what: &str) {
    let missed: Vec<&String> = throughout
        .iter()
        .filter(|id| !came.contains_key(*id))
        .collect();
    assert!(missed.is_empty(), "{what}: missed {missed:?}");
    assert!(came.values().all(|count| *count == 1), "{what}: {came:?}");
}

#[tokio::test]
async fn sessions_are_paged_through_while_people_write() {
    let clock = MockClock::starting_now();
    let variables = [("RATE_LIMIT", "off"), ("JWT_TTL", "1000h")];
    let app = TestApp::with(settings(&variables), clock.clone()).await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let mut sessions = vec![li.session_with(&chen).await];
    for number in 0..16 {
        sessions.push(group(&chen, &[&li], &format!("Ward {number}")).await);
        clock.advance(Duration::from_millis(number % 3));
    }
    let path = format!("/api/chat/sessions/{}?limit=4", li.id);
    for seed in 0..8 {
        let mut dice = StdRng::seed_from_u64(seed);
        // Some were active long ago, some just now, some are new and empty.
        for _ in 0..12 {
            chen.send(sessions.choose(&mut dice).unwrap(), "before")
                .await;
            clock.advance(Duration::from_secs(dice.random_range(0..20)));
        }
        sessions.push(group(&chen, &[&li], &format!("New {seed}")).await);
        let throughout: BTreeSet<String> = sessions.iter().cloned().collect();
        let mut fresh = Vec::new();
        let came = walk(&li, &path, async || {
            for _ in 0..dice.random_range(1..6) {
                chen.send(sessions.choose(&mut dice).unwrap(), "meanwhile")
                    .await;
                clock.advance(Duration::from_secs([0, 0, 1, 45][dice.random_range(0..4)]));
            }
            if dice.random_bool(0.3) {
                fresh.push(group(&chen, &[&li], "Meanwhile").await);
            }
        })
        .await;
        each_once(&came, &throughout, &format!("seed {seed}"));
        sessions.extend(fresh);
    }
    // Without concurrent changes, it equals the list by page number.
    let (mut by_page, mut by_cursor, mut cursor) = (Vec::new(), Vec::new(), None);
    for page in 1.. {
        let (ids, next, pagination) = look(&li, &path, cursor.as_deref()).await;
        by_cursor.extend(ids);
        let (paged, listed) = {
            let reply = li.get(&format!("{path}&page={page}")).await;
            (reply.body["pagination"].clone(), reply.expect(200))
        };
        by_page.extend(
            listed
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| text(&entry["_id"])),
        );
        assert_eq!(
            (&pagination["total"], &pagination["hasMore"]),
            (&paged["total"], &paged["hasMore"])
        );
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    // A conversation that just moved keeps the place it had a minute ago.
    clock.advance(Duration::from_mins(5));
    assert_eq!(
        by_cursor.iter().collect::<BTreeSet<_>>(),
        by_page.iter().collect::<BTreeSet<_>>()
    );
    assert_eq!(by_cursor.len(), by_page.len());
    assert_eq!(walk(&li, &path, async || {}).await.len(), sessions.len());

    // Another user's cursor shows the caller's own conversations only.
    let (_, next, _) = look(&li, &path, None).await;
    let (ids, _, _) = look(
        &chen,
        &format!("/api/chat/sessions/{}?limit=100", chen.id),
        next.as_deref(),
    )
    .await;
    assert!(ids.iter().all(|id| sessions.contains(id)));
    let wu = app.nurse("Wu").await;
    let (ids, next, _) = look(
        &wu,
        &format!("/api/chat/sessions/{}?limit=4", wu.id),
        next.as_deref(),
    )
    .await;
    assert!(ids.is_empty() && next.is_none());
    app.stop().await;
}

#[tokio::test]
async fn people_are_paged_through_while_others_come_and_go() {
    let variables = [
        ("RATE_LIMIT", "off"),
        ("ADMIN_USERNAME", "boss"),
        ("ADMIN_PASSWORD", "a long enough one"),
    ];
    let app = TestApp::with(settings(&variables), Arc::new(SystemClock)).await;
    let boss = app.admin().await;
    let mut people = Vec::new();
    for letter in 'a'..='k' {
        people.push(app.nurse(&format!("{letter}x")).await);
    }
    for path in [
        "/api/chat/users?limit=3",
        "/api/chat/stats/users?sort=name&limit=3",
    ] {
        let (gone, throughout) = people.split_at(3);
        let throughout: BTreeSet<String> =
            throughout.iter().map(|person| person.id.clone()).collect();
        let mut going = gone.iter();
        let listed = async |active: bool, person: &Person| {
            let account = format!("/api/chat/users/{}", person.id);
            boss.call("PATCH", &account, json!({ "isActive": active }))
                .await
                .expect(200);
        };
        // `/stats` has no `_id` of users.
        let came = walk_people(&boss, path, async || {
            app.nurse("ax").await;
            if let Some(person) = going.next() {
                listed(false, person).await;
            }
        })
        .await;
        each_once(&came, &throughout, path);
        for person in gone {
            listed(true, person).await;
        }
    }
    for order in ["messages", "unread", "response"] {
        let (path, cursor) = (
            format!("/api/chat/stats/users?sort={order}&limit=3"),
            "bnVuaXg",
        );
        for cursor in ["start", cursor] {
            let refused = boss.get(&format!("{path}&cursor={cursor}")).await;
            assert_eq!(
                refused.refused(400),
                "VALIDATION_FAILED",
                "{order} does not stay"
            );
        }
    }
    app.stop().await;
}

/// As [`walk`], for lists with a user in each entry.
async fn walk_people(
    person: &Person,
    path: &str,
    mut meanwhile: impl AsyncFnMut(),
) -> BTreeMap<String, u32> {
    let mut came = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let path = format!("{path}&cursor={}", cursor.as_deref().unwrap_or("start"));
        let reply = person.get(&path).await;
        cursor = reply.body["pagination"]["nextCursor"]
            .as_str()
            .map(str::to_owned);
        for entry in reply.expect(200).as_array().unwrap() {
            let id = entry.get("_id").or_else(|| entry.get("userId")).unwrap();
            *came.entry(text(id)).or_default() += 1;
        }
        if cursor.is_none() {
            return came;
        }
        meanwhile().await;
    }
}

#[tokio::test]
async fn what_was_found_is_paged_through_while_people_write() {
    // With a stopped clock, all messages have the same time.
    let app = TestApp::with(
        settings(&[("RATE_LIMIT", "off")]),
        MockClock::starting_now(),
    )
    .await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let rooms = [
        li.session_with(&chen).await,
        group(&li, &[&chen], "Ward").await,
    ];
    let mut sent = Vec::new();
    for number in 0..22 {
        sent.push(
            chen.send(&rooms[number % 2], &format!("dose {number}"))
                .await,
        );
    }
    for filter in ["keyword=dose", &format!("sender={}", chen.id)] {
        let path = format!(
            "/api/chat/messages/search?userId={}&{filter}&limit=4",
            li.id
        );
        eventually(async || {
            let found = li.get(&path).await.body;
            (found["pagination"]["total"].as_u64() >= Some(22)).then_some(())
        })
        .await;
        let mut number = 0;
        let deleted = text(&sent.remove(0)["_id"]);
        let throughout: BTreeSet<String> =
            sent.iter().map(|message| text(&message["_id"])).collect();
        let came = walk(&li, &path, async || {
            let new = chen.send(&rooms[number % 2], "dose, once more").await;
            // The index contains it before the next page.
            eventually(async || {
                let newest = format!(
                    "/api/chat/messages/search?userId={}&sender={}&limit=100",
                    li.id, chen.id
                );
                let found = li.get(&newest).await.body;
                let ids = found["data"]
                    .as_array()?
                    .iter()
                    .any(|entry| entry["_id"] == new["_id"]);
                ids.then_some(())
            })
            .await;
            if number == 1 {
                let path = format!("/api/chat/messages/{deleted}");
                chen.call("DELETE", &path, json!({ "userId": chen.id }))
                    .await
                    .expect(200);
            }
            number += 1;
        })
        .await;
        each_once(&came, &throughout, filter);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    for _ in 0..3 {
        group(&li, &[&chen], "Ward").await;
    }
    let lists = [
        format!("/api/chat/sessions/{}?limit=1", li.id),
        "/api/chat/users?limit=1".to_owned(),
        format!(
            "/api/chat/messages/search?userId={}&sender={}&limit=1",
            li.id, li.id
        ),
    ];
    let of_sessions = look(&li, &lists[0], None).await.1.unwrap();
    let of_people = look(&li, &lists[1], None).await.1.unwrap();
    for list in &lists {
        let long = "c".repeat(5_000);
        for bad in ["x", "%00", "%7B%22$gt%22:1%7D", "..%2F..", &long] {
            let refused = li.get(&format!("{list}&cursor={bad}")).await;
            assert!(
                refused.body["details"]["cursor"].is_string(),
                "{list} {bad}"
            );
            assert_eq!(refused.refused(400), "VALIDATION_FAILED");
        }
    }
    for (list, cursor) in [
        (&lists[0], &of_people),
        (&lists[1], &of_sessions),
        (&lists[2], &of_people),
    ] {
        assert_eq!(
            li.get(&format!("{list}&cursor={cursor}"))
                .await
                .refused(400),
            "VALIDATION_FAILED"
        );
    }
    // Pages by number have the form that the source's front end expects.
    for list in &lists {
        let paged = li.get(list).await.body["pagination"].clone();
        let keys: Vec<&String> = paged.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "current",
                "hasMore",
                "limit",
                "page",
                "pages",
                "total",
                "totalCount"
            ]
        );
    }
    let both = li
        .get(&format!("{}&page=2&cursor={of_sessions}", lists[0]))
        .await;
    assert_eq!(both.refused(400), "VALIDATION_FAILED");
    app.stop().await;
}
