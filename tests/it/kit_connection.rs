//! The kit's connection: what only the torture asks of it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    kit::connection::{ConnectOptions, Connection},
    support::{Person, TestApp, eventually},
};

type Heard = Arc<Mutex<Vec<(String, Value)>>>;

async fn connect(app: &TestApp, person: &Person) -> (Connection, Heard) {
    let heard = Heard::default();
    let hearing = Arc::clone(&heard);
    let options = ConnectOptions {
        headers: &[],
        acknowledges: true,
        receive_buffer: Some(4_096),
        patience: Duration::from_secs(15),
    };
    let auth = json!({ "token": person.token, "acks": true });
    let listener = Box::new(move |event: &str, payload: &Value| {
        let event = (event.to_owned(), payload.clone());
        hearing.lock().unwrap().push(event);
    });
    let connection = Connection::open(&app.address, &auth, options, listener).await;
    let connection = connection.unwrap();
    let joined = connection
        .begin("user:join", &json!({ "id": person.id }))
        .await;
    assert_eq!(joined.await.unwrap()["success"], json!(true));
    (connection, heard)
}

fn received(heard: &Heard) -> Vec<Value> {
    let heard = heard.lock().unwrap();
    let messages = heard.iter().filter(|(event, _)| event == "message:receive");
    messages
        .map(|(_, payload)| payload["message"]["content"].clone())
        .collect()
}

#[tokio::test]
async fn a_frozen_connection_hears_everything_once_it_thaws() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (at_chen, heard) = connect(&app, &chen).await;
    li.send(&session, "0").await;
    eventually(async || (received(&heard).len() == 1).then_some(())).await;
    at_chen.freeze();
    let answer = at_chen
        .begin("message:send", &chen.message(&session, "from the ice"))
        .await;
    for number in 1..40 {
        li.send(&session, &number.to_string()).await;
    }
    assert!(at_chen.is_frozen() && received(&heard).len() == 1);
    at_chen.thaw();
    assert_eq!(answer.await.unwrap()["success"], json!(true));
    eventually(async || (received(&heard).len() == 40).then_some(())).await;
    let in_order: Vec<Value> = (0..40).map(|number| json!(number.to_string())).collect();
    assert_eq!(received(&heard), in_order);
    app.stop().await;
}

#[tokio::test]
async fn a_connection_ends_by_a_reset_or_after_what_it_has_to_say() {
    let app = TestApp::unlimited().await;
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let session = li.session_with(&chen).await;
    let (at_chen, heard) = connect(&app, &chen).await;
    at_chen.break_off();
    let has_ended = |heard: &Heard| {
        let heard = heard.lock().unwrap();
        heard.last().is_some_and(|(event, _)| event.is_empty())
    };
    eventually(async || has_ended(&heard).then_some(())).await;
    let (at_chen, heard) = connect(&app, &chen).await;
    for number in 0..100 {
        let message = chen.message(&session, &number.to_string());
        drop(at_chen.begin("message:send", &message).await);
    }
    drop(at_chen);
    eventually(async || has_ended(&heard).then_some(())).await;
    eventually(async || (li.history(&session).await.len() == 100).then_some(())).await;
    app.stop().await;
}
