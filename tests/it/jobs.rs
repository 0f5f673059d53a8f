//! Durable jobs: two workers on one database, one of them killed; failures that pass, and failures
//! that stay; bounds; jobs that a commit stores.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mongodb::{
    Database,
    bson::{Document, doc},
};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use wardline::{
    domain::{
        Clock, ConversationId, Timestamp,
        conversation_state::ConversationState,
        job::{JobEnd, JobFailure, NewJob},
    },
    service::jobs::{JOB_LEASE, JobHandler, JobQueue, JobWorker},
    store::{Store, address::Address},
};

use crate::support::{MockClock, TestApp, eventually};

const KIND: &str = "test.count";

async fn store_at(uri: &str, database: &str) -> Store {
    Store::connect(Address::parse(uri).await.unwrap(), database).unwrap()
}

async fn store_of(app: &TestApp) -> Store {
    let uri = app.settings.database.uri.clone().unwrap();
    store_at(&uri, &app.database).await
}

fn job(key: &str, run_at: Timestamp) -> NewJob {
    NewJob {
        kind: KIND,
        version: 1,
        key: key.to_owned(),
        run_at,
        payload: json!({ "key": key }),
    }
}

/// A worker that runs until it is dropped.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(
        store: &Store,
        clock: &Arc<MockClock>,
        queue: &Arc<JobQueue>,
        run: JobHandler,
    ) -> Self {
        let clock: Arc<dyn Clock> = clock.clone();
        let node = crate::support::unique("node");
        let worker = JobWorker::new(store.clone(), clock, node, Arc::clone(queue), vec![run]);
        let stop = CancellationToken::new();
        let task = tokio::spawn(worker.run(stop.clone().cancelled_owned()));
        Self { stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn count(database: &Database, collection: &str, filter: Document) -> u64 {
    let rows = database.collection::<Document>(collection);
    rows.count_documents(filter).await.unwrap()
}

/// Notes each run, and has an effect that is the same however often it runs. With `hang_on` it
/// never comes to the end of that job.
fn noting(database: &Database, hang_on: Option<&'static str>) -> JobHandler {
    let database = database.clone();
    JobHandler {
        kind: KIND,
        version: 1,
        run: Box::new(move |job| {
            let (runs, effects) = (
                database.collection::<Document>("test_runs"),
                database.collection::<Document>("test_effects"),
            );
            Box::pin(async move {
                let key = job.payload["key"].as_str().unwrap().to_owned();
                runs.insert_one(doc! { "key": &key }).await.unwrap();
                if hang_on == Some(key.as_str()) {
                    std::future::pending::<()>().await;
                }
                let (once, done) = (doc! { "_id": &key }, doc! { "$set": { "done": true } });
                effects.update_one(once, done).upsert(true).await.unwrap();
                Ok(JobEnd::Done)
            })
        }),
    }
}

const THIS: &str = "jobs::a_job_of_a_killed_worker_is_done_by_another";
const URI: &str = "WARDLINE_TEST_JOBS_URI";
const DATABASE: &str = "WARDLINE_TEST_JOBS_DATABASE";

/// The second process: a worker that is killed while it holds one job.
async fn work_until_killed(uri: &str, name: &str) {
    let database = mongodb::Client::with_uri_str(uri).await.unwrap();
    let handler = noting(&database.database(name), Some("held"));
    let (clock, queue) = (MockClock::starting_now(), Arc::new(JobQueue::default()));
    let running = Running::start(&store_at(uri, name).await, &clock, &queue, handler);
    running.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::disallowed_methods,
    reason = "this test starts itself anew as a second process"
)]
async fn a_job_of_a_killed_worker_is_done_by_another() {
    if let (Ok(uri), Ok(name)) = (std::env::var(URI), std::env::var(DATABASE)) {
        return work_until_killed(&uri, &name).await;
    }
    let app = TestApp::start().await;
    let (store, database) = (store_of(&app).await, app.database().await);
    let (clock, queue) = (MockClock::manual(), Arc::new(JobQueue::default()));
    let due = clock.now().minus(Duration::from_mins(1));
    assert!(queue.submit(&store, &job("held", due)).await.unwrap());
    let mut other = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", THIS])
        .env(URI, app.settings.database.uri.clone().unwrap())
        .env(DATABASE, &app.database)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let held = doc! { "key": "held" };
    eventually(async || (count(&database, "test_runs", held.clone()).await == 1).then_some(()))
        .await;

    // Both work now, and neither does a job of the other.
    for number in 0..40 {
        let key = format!("job {number}");
        assert!(queue.submit(&store, &job(&key, due)).await.unwrap());
        assert!(
            !queue.submit(&store, &job(&key, due)).await.unwrap(),
            "it is stored once"
        );
    }
    let running = Running::start(&store, &clock, &queue, noting(&database, None));
    let done = doc! { "kind": KIND, "state": "done" };
    eventually(async || (count(&database, "jobs", done.clone()).await == 40).then_some(())).await;
    assert_eq!(
        count(&database, "test_runs", doc! {}).await,
        41,
        "each ran once"
    );

    other.kill().await.unwrap();
    let waiting = doc! { "kind": KIND, "state": "waiting", "attempts": 1 };
    assert_eq!(
        count(&database, "jobs", waiting).await,
        1,
        "its lease is not over"
    );
    // The clocks of two processes differ a little.
    clock.advance(JOB_LEASE * 3);
    eventually(async || (count(&database, "jobs", done.clone()).await == 41).then_some(())).await;
    assert_eq!(
        count(&database, "test_effects", doc! { "done": true }).await,
        41
    );
    assert_eq!(count(&database, "test_runs", held).await, 2);
    assert!(
        !queue.submit(&store, &job("held", due)).await.unwrap(),
        "a repeat stays one"
    );
    running.end().await;
    app.stop().await;
}

#[tokio::test]
async fn failures_are_retried_later_or_kept() {
    let app = TestApp::start().await;
    let (store, database) = (store_of(&app).await, app.database().await);
    let (clock, queue) = (MockClock::manual(), Arc::new(JobQueue::default()));
    for key in ["shaky", "bad"] {
        queue.submit(&store, &job(key, clock.now())).await.unwrap();
    }
    let newer = NewJob {
        version: 2,
        ..job("newer", clock.now())
    };
    queue.submit(&store, &newer).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&runs);
    let handler = JobHandler {
        kind: KIND,
        version: 1,
        run: Box::new(move |job| {
            let seen = Arc::clone(&seen);
            Box::pin(async move {
                if job.key == "bad" {
                    return Err(JobFailure::Permanent("nobody has this address".into()));
                }
                seen.fetch_add(1, Ordering::SeqCst);
                if job.attempts < 3 {
                    return Err(JobFailure::Temporary("not yet".into()));
                }
                Ok(JobEnd::Done)
            })
        }),
    };
    let running = Running::start(&store, &clock, &queue, handler);
    let shaky = async |filter: Document| {
        let mut named = doc! { "key": "shaky" };
        named.extend(filter);
        count(&database, "jobs", named).await == 1
    };
    let failed = |attempts: i32| doc! { "attempts": attempts, "lastError": "not yet", "lease": { "$exists": false } };
    eventually(async || shaky(failed(1)).await.then_some(())).await;
    clock.let_pass(Duration::from_secs(1)).await;
    eventually(async || shaky(failed(2)).await.then_some(())).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2, "a second later, not before");
    clock.let_pass(Duration::from_secs(2)).await;
    eventually(async || shaky(doc! { "state": "done" }).await.then_some(())).await;

    let kept = store.failed_jobs(10).await.unwrap();
    let kept: Vec<(&str, &str, u32)> = kept
        .iter()
        .map(|failed| {
            (
                failed.job.key.as_str(),
                failed.reason.as_str(),
                failed.job.attempts,
            )
        })
        .collect();
    assert_eq!(kept, [("bad", "nobody has this address", 1)]);
    clock.advance(Duration::from_hours(48));
    assert!(
        !queue
            .submit(&store, &job("bad", clock.now()))
            .await
            .unwrap()
    );
    let newer = doc! { "key": "newer", "state": "waiting", "attempts": 0 };
    assert_eq!(
        count(&database, "jobs", newer).await,
        1,
        "left to a newer program"
    );
    running.end().await;
    app.stop().await;
}

#[tokio::test]
async fn a_node_runs_four_jobs_at_once() {
    let app = TestApp::start().await;
    let (store, database) = (store_of(&app).await, app.database().await);
    let (clock, queue) = (MockClock::manual(), Arc::new(JobQueue::default()));
    for number in 0..9 {
        let key = format!("job {number}");
        queue.submit(&store, &job(&key, clock.now())).await.unwrap();
    }
    let (turns, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gate, counter) = (Arc::clone(&turns), Arc::clone(&begun));
    let handler = JobHandler {
        kind: KIND,
        version: 1,
        run: Box::new(move |_| {
            let (gate, counter) = (Arc::clone(&gate), Arc::clone(&counter));
            Box::pin(async move {
                counter.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                Ok(JobEnd::Done)
            })
        }),
    };
    let running = Running::start(&store, &clock, &queue, handler);
    let held = doc! { "kind": KIND, "lease": { "$exists": true } };
    eventually(async || (begun.load(Ordering::SeqCst) == 4).then_some(())).await;
    queue.wake();
    assert_eq!(count(&database, "jobs", held).await, 4);
    turns.add_permits(3);
    eventually(async || (begun.load(Ordering::SeqCst) == 7).then_some(())).await;
    // A lease is renewed for as long as its job runs.
    for _ in 0..9 {
        clock.let_pass(JOB_LEASE / 3).await;
    }
    assert_eq!(begun.load(Ordering::SeqCst), 7);
    turns.add_permits(6);
    let done = doc! { "kind": KIND, "state": "done" };
    eventually(async || (count(&database, "jobs", done.clone()).await == 9).then_some(())).await;
    assert_eq!(begun.load(Ordering::SeqCst), 9);
    running.end().await;
    app.stop().await;
}

#[tokio::test]
async fn a_commit_stores_the_jobs_that_it_causes() {
    let app = TestApp::start().await;
    let (store, database) = (store_of(&app).await, app.database().await);
    let (li, chen) = (app.nurse("Li").await, app.nurse("Chen").await);
    let id: ConversationId = li.session_with(&chen).await.parse().unwrap();
    let session = store.conversations_by_id(&[id]).await.unwrap().remove(0);
    let now = Timestamp(1_700_000_000_000);
    let mut state = ConversationState::open(session.clone());
    state.schedule(job("caused", now));
    state.schedule(job("caused", now));
    assert!(store.import(state).await.unwrap());
    assert_eq!(count(&database, "jobs", doc! { "key": "caused" }).await, 1);

    // Another writer was first: neither the commit nor its job is stored.
    let mut late = ConversationState::open(session);
    late.schedule(job("never", now));
    assert!(!store.import(late).await.unwrap());
    assert_eq!(count(&database, "jobs", doc! { "key": "never" }).await, 0);
    app.stop().await;
}
