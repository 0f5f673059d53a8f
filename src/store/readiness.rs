//! Checks whether a database can do the service's work. The check runs at every start, before
//! anything is stored, and reports in one sentence what is missing.
//!
//! The driver's message about unusable servers is a dump of its state. When no server is usable,
//! each server of the address is therefore checked separately, without signing in.

use std::time::Duration;

use mongodb::{
    Client,
    bson::{Bson, Document, doc, oid::ObjectId},
    error::{Error as MongoError, ErrorKind},
    options::ServerAddress,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{Store, address::Address, failure, messages, migrations, stored_number};

/// The wire version of MongoDB 6.0.
const MIN_WIRE_VERSION: i64 = 17;
/// The time limit of one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);
/// The maximum number of attempts at a transaction that fails for temporary reasons.
const MAX_TRANSACTION_TRIES: u32 = 8;
const TRANSACTION_RETRY_DELAY: Duration = Duration::from_millis(400);
/// The maximum number of attempts at a step while the server answers in between.
const MAX_STEP_TRIES: u32 = 3;
/// The time limit for checking one server.
const SERVER_CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// The maximum number of servers of an address that are checked.
const MAX_CHECKED_SERVERS: usize = 7;
/// The actions that an account needs in the service's database.
const REQUIRED_ACTIONS: [&str; 11] = [
    "find",
    "insert",
    "update",
    "remove",
    "createCollection",
    "createIndex",
    "dropIndex",
    "collMod",
    "listCollections",
    "listIndexes",
    "changeStream",
];

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// Returns what prevents a server from doing the work, according to its reply to `hello`.
fn unmet_requirement(hello: &Document) -> Option<String> {
    let is_router = hello.get_str("msg").is_ok_and(|text| text == "isdbgrid");
    if hello.get_bool("isreplicaset").unwrap_or(false) {
        return Some("its replica set was never initiated (rs.initiate())".to_owned());
    }
    if !is_router && hello.get_str("setName").is_err() {
        return Some(
            "it is a single mongod (start it with --replSet, then rs.initiate())".to_owned(),
        );
    }
    if hello
        .get("maxWireVersion")
        .and_then(stored_number::whole)
        .is_none_or(|version| version < MIN_WIRE_VERSION)
    {
        return Some("it needs MongoDB ≥ 6".to_owned());
    }
    if hello
        .get("logicalSessionTimeoutMinutes")
        .and_then(stored_number::whole)
        .is_none()
    {
        return Some("it has no sessions, and so no transactions".to_owned());
    }
    None
}

/// Returns whether a server with this reply accepts transactions now.
pub(super) fn can_commit(hello: &Document) -> bool {
    let is_router = hello.get_str("msg").is_ok_and(|text| text == "isdbgrid");
    unmet_requirement(hello).is_none()
        && (is_router || hello.get_bool("isWritablePrimary").unwrap_or(false))
}

fn not_ready(at: &str, why: &str) -> NotReady {
    NotReady(format!(
        "MONGODB_URI must be a replica set of MongoDB ≥ 6 (or a mongos of one); at {at}: {why}"
    ))
}

/// Checks one server of an address.
async fn check_server(address: &Address, server: &ServerAddress) -> Result<Document, String> {
    if let ServerAddress::Tcp { host, port } = server {
        let port = port.unwrap_or(27_017);
        let found = timeout(SERVER_CHECK_TIMEOUT, lookup_host((host.as_str(), port))).await;
        let Ok(Ok(found)) = found else {
            return Err("this name is not known".to_owned());
        };
        let mut why = "it has no address".to_owned();
        for place in found {
            match timeout(SERVER_CHECK_TIMEOUT, TcpStream::connect(place)).await {
                Ok(Ok(_)) => {
                    why.clear();
                    break;
                }
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    "nobody listens there (connection refused)".clone_into(&mut why);
                }
                Ok(Err(error)) => why = format!("it cannot be reached ({})", error.kind()),
                Err(_) => "it does not answer".clone_into(&mut why),
            }
        }
        if !why.is_empty() {
            return Err(why);
        }
    }
    let has_tls = matches!(address.reading.tls, Some(mongodb::options::Tls::Enabled(_)));
    let options = address.options_for_server(server);
    let asked = tokio::spawn(async move {
        let client = Client::with_options(options)?;
        let answer = client
            .database("admin")
            .run_command(doc! { "hello": 1 })
            .await;
        client.shutdown().immediate(true).await;
        answer
    });
    match timeout(SERVER_CHECK_TIMEOUT, asked).await {
        Ok(Ok(Ok(hello))) => Ok(hello),
        _ if has_tls => Err(
            "it listens, but TLS to it fails (certificate, tlsCAFile, or it speaks none)"
                .to_owned(),
        ),
        _ => Err(
            "it listens, but does not answer as MongoDB does (does it want tls=true?)".to_owned(),
        ),
    }
}

/// Returns why none of the servers of an address can be used; `None` when the primary answers, so that a
/// failure was one of the moment.
pub(super) async fn diagnose(address: &Address) -> Option<NotReady> {
    let mut reasons = Vec::new();
    for server in address.reading.hosts.iter().take(MAX_CHECKED_SERVERS) {
        let hello = match check_server(address, server).await {
            Ok(hello) => hello,
            Err(why) => {
                reasons.push(format!("{server}: {why}"));
                continue;
            }
        };
        if let Some(why) = unmet_requirement(&hello) {
            return Some(not_ready(&server.to_string(), &why));
        }
        let (name, wanted) = (
            hello.get_str("setName").unwrap_or_default(),
            address.replica_set(),
        );
        if wanted.is_some_and(|wanted| wanted != name) {
            let wanted = wanted.unwrap_or_default();
            let why = format!(
                "MONGODB_URI says replicaSet={wanted}, but the set of {server} is called {name}"
            );
            return Some(NotReady(why));
        }
        match hello.get_str("primary").map(ServerAddress::parse) {
            Ok(Ok(primary)) if check_server(address, &primary).await.is_ok() => return None,
            Ok(_) => {}
            // A mongos has no primary to name.
            Err(_) if name.is_empty() => return None,
            Err(_) => {
                reasons.push(format!(
                    "{server}: its replica set {name} has no primary now"
                ));
                continue;
            }
        }
        let members: Vec<&str> = hello
            .get_array("hosts")
            .into_iter()
            .flatten()
            .filter_map(Bson::as_str)
            .collect();
        let why = format!(
            "the replica set {name} calls its members {}, and they cannot be reached from here",
            members.join(", ")
        );
        reasons.push(format!("{server}: {why}"));
    }
    Some(NotReady(format!(
        "MongoDB cannot be used: {}",
        reasons.join("; ")
    )))
}

impl Store {
    /// Checks whether the database can do the work.
    ///
    /// # Errors
    /// The first missing requirement: a server, a replica set, an account, a privilege; or data
    /// that seems to be elsewhere. `by_address` means that only the address names the database.
    pub async fn check_readiness(&self, by_address: bool) -> Result<(), NotReady> {
        let hello = self
            .run_step(self.client.database("admin"), doc! { "hello": 1 })
            .await?;
        let servers = self.address.servers();
        if let Some(why) = unmet_requirement(&hello) {
            return Err(not_ready(&servers, &why));
        }
        let wanted = doc! { "connectionStatus": 1, "showPrivileges": true };
        let status = self.run_step(self.client.database("admin"), wanted).await?;
        let missing = missing_privileges(&status, self.database.name());
        if !missing.is_empty() {
            let may_not = match missing.as_slice() {
                all if all.contains(&"find") => "read",
                all if all
                    .iter()
                    .any(|action| ["insert", "update", "remove"].contains(action)) =>
                {
                    "write"
                }
                _ => "do all that is needed",
            };
            return Err(NotReady(format!(
                "the user {} may not {may_not} in the database {}: it lacks {}; the roles readWrite and dbAdmin \
                 have all of it",
                self.address.user(),
                self.database.name(),
                missing.join(", "),
            )));
        }
        self.find_lost_data(by_address).await
    }

    /// Looks for existing data in the default database: an address that now takes effect must not
    /// make all data seem lost.
    async fn find_lost_data(&self, by_address: bool) -> Result<(), NotReady> {
        let old = self.client.database("wardline");
        let find = doc! { "find": migrations::COLLECTION, "filter": { "_id": "format" }, "limit": 1, "singleBatch": true };
        let here = self.run_step(self.database.clone(), find.clone()).await?;
        if !by_address {
            return Ok(());
        }
        // An account without access there has no data there.
        let there = self.run_step(old, find).await.unwrap_or_default();
        let is_ours = |reply: &Document| {
            let batch = reply
                .get_document("cursor")
                .and_then(|cursor| cursor.get_array("firstBatch"));
            batch.is_ok_and(|rows| !rows.is_empty())
        };
        if is_ours(&here) || !is_ours(&there) {
            return Ok(());
        }
        let name = self.database.name();
        Err(NotReady(format!(
            "MONGODB_URI names the database {name}, which is empty, while wardline on the same server holds a \
             Wardline database; set MONGODB_DB=wardline to go on with that one, or MONGODB_DB={name} to begin anew"
        )))
    }

    /// Tests the operations that the commit path and the search index need: a transaction and a
    /// change stream.
    ///
    /// # Errors
    /// When MongoDB refuses one.
    pub async fn test_operations(&self) -> Result<(), NotReady> {
        let store = self.for_commits();
        let trial = tokio::spawn(async move {
            let mut attempt = 1;
            loop {
                match run_trial_transaction(&store).await {
                    // An election or a newly created index: the same transaction succeeds a little
                    // later.
                    Err(error) if attempt < MAX_TRANSACTION_TRIES && is_temporary(&error) => {
                        attempt += 1;
                    }
                    ended => return ended,
                }
                tokio::time::sleep(TRANSACTION_RETRY_DELAY).await;
            }
        });
        self.explain_failure(
            "a transaction and a change stream",
            timeout(STEP_TIMEOUT, trial).await,
        )
        .await
    }

    async fn run_step(
        &self,
        database: mongodb::Database,
        command: Document,
    ) -> Result<Document, NotReady> {
        let mut attempt = 1;
        loop {
            let (database, command) = (database.clone(), command.clone());
            let step = tokio::spawn(async move { database.run_command(command).await });
            let result = timeout(STEP_TIMEOUT, step).await;
            // On a busy machine a connection may take too long. A server that answers is asked again: only
            // then does the failure name the cause.
            if let Ok(Ok(Err(error))) = &result
                && attempt < MAX_STEP_TRIES
                && failure::is_unavailable(error)
                && diagnose(&self.address).await.is_none()
            {
                attempt += 1;
                continue;
            }
            return self.explain_failure("a first question", result).await;
        }
    }

    /// Returns the result of a step, with failures as text.
    async fn explain_failure<T>(
        &self,
        what: &str,
        result: Result<
            Result<mongodb::error::Result<T>, tokio::task::JoinError>,
            tokio::time::error::Elapsed,
        >,
    ) -> Result<T, NotReady> {
        match result {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(self.explain(what, &error).await),
            Ok(Err(_)) | Err(_) => Err(self.late(what)),
        }
    }

    fn late(&self, what: &str) -> NotReady {
        let servers = self.address.servers();
        NotReady(format!(
            "MongoDB at {servers} did not answer {what} in time"
        ))
    }

    async fn explain(&self, what: &str, error: &MongoError) -> NotReady {
        let (servers, user) = (self.address.servers(), self.address.user());
        let is_nobody = matches!(&*error.kind, ErrorKind::Authentication { .. })
            || failure::code(error) == Some(18);
        if is_nobody {
            return NotReady(format!(
                "MongoDB at {servers} refused the user or password (user {user})"
            ));
        }
        match failure::code(error) {
            Some(13) => {
                let database = self.database.name();
                NotReady(format!(
                    "the user {user} may not write in the database {database} at {servers}"
                ))
            }
            _ if failure::is_unavailable(error) => diagnose(&self.address)
                .await
                .unwrap_or_else(|| self.late(what)),
            _ => NotReady(format!(
                "MongoDB at {servers} refused {what}: {}",
                failure::describe(error)
            )),
        }
    }
}

/// Returns whether a failure is temporary.
fn is_temporary(error: &MongoError) -> bool {
    error.contains_label("TransientTransactionError") || failure::is_unavailable(error)
}

async fn run_trial_transaction(store: &Store) -> mongodb::error::Result<()> {
    let meta = store.collection::<Document>(migrations::COLLECTION);
    let id = doc! { "_id": format!("trial-{}", ObjectId::new()) };
    let mut session = store.client.start_session().await?;
    session.start_transaction().await?;
    meta.insert_one(&id).session(&mut session).await?;
    session.commit_transaction().await?;
    meta.delete_one(id).await?;
    store
        .collection::<Document>(messages::COLLECTION)
        .watch()
        .await
        .map(drop)
}

/// Returns the actions that an account lacks; none where there is no access control.
fn missing_privileges(status: &Document, database: &str) -> Vec<&'static str> {
    let Ok(info) = status.get_document("authInfo") else {
        return Vec::new();
    };
    let list = |name: &str| info.get_array(name).map(Vec::as_slice).unwrap_or_default();
    if list("authenticatedUsers").is_empty() {
        return Vec::new();
    }
    let mut granted = Vec::new();
    for privilege in list("authenticatedUserPrivileges")
        .iter()
        .filter_map(Bson::as_document)
    {
        let Ok(resource) = privilege.get_document("resource") else {
            continue;
        };
        let is_ours = resource
            .get_str("db")
            .is_ok_and(|name| name.is_empty() || name == database)
            || resource.get_bool("anyResource").unwrap_or(false);
        if is_ours && let Ok(actions) = privilege.get_array("actions") {
            granted.extend(actions.iter().filter_map(Bson::as_str));
        }
    }
    let lacks = |action: &&str| !granted.contains(action) && !granted.contains(&"anyAction");
    REQUIRED_ACTIONS
        .into_iter()
        .filter(|action| lacks(action))
        .collect()
}
