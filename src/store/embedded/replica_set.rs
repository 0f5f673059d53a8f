//! Makes a newly started mongod the primary of its own one-node replica set.

use std::net::Ipv4Addr;

use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc},
    error::{Error as MongoError, ErrorKind},
};
use tokio::{net::TcpStream, time::sleep};
use tracing::debug;

use super::{POLL_INTERVAL, REPLICA_SET, access::AccessControl};

const NOT_YET_INITIALIZED: i32 = 94;

/// Waits for the mongod `pid` on `port`, makes it primary and ensures the service's account; the
/// caller sets the time limit.
///
/// Errors while mongod is still starting are stored in `last_error`.
pub(super) async fn make_primary(
    access: &AccessControl,
    port: u16,
    pid: u32,
    last_error: &mut Option<MongoError>,
) -> Result<(), MongoError> {
    // If it asked before mongod listens, the driver would wait half a second between its attempts.
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .is_err()
    {
        sleep(POLL_INTERVAL).await;
    }
    let client = Client::with_options(access.internal_user_options(port))?;
    let admin = client.database("admin");
    loop {
        let step = async {
            let is_primary = step_towards_primary(&admin, port, pid).await?;
            if is_primary {
                access.ensure_account(&admin, port).await?;
            }
            Ok::<bool, MongoError>(is_primary)
        };
        match step.await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => {
                debug!(%error, "mongod is not ready yet");
                *last_error = Some(error);
            }
        }
        sleep(POLL_INTERVAL).await;
    }
    client.shutdown().immediate(true).await;
    Ok(())
}

/// Does the next step that the replica set needs; returns true when it needs none. Errors are those
/// of a mongod that is still starting.
async fn step_towards_primary(admin: &Database, port: u16, pid: u32) -> Result<bool, MongoError> {
    // If our mongod lost the race for the port, another's answers here; ours then ends by itself.
    let status = admin.run_command(doc! { "serverStatus": 1 }).await?;
    if !status
        .get_i64("pid")
        .is_ok_and(|other| other == i64::from(pid))
    {
        return Ok(false);
    }
    let hello = admin.run_command(doc! { "hello": 1 }).await?;
    if hello.get_bool("isWritablePrimary").unwrap_or(false) {
        return Ok(true);
    }
    let host = format!("127.0.0.1:{port}");
    let members = vec![doc! { "_id": 0, "host": &host }];
    match admin.run_command(doc! { "replSetGetConfig": 1 }).await {
        Err(error) if is_not_yet_initialized(&error) => {
            let config = doc! { "_id": REPLICA_SET, "members": members };
            admin
                .run_command(doc! { "replSetInitiate": config })
                .await?;
        }
        Err(error) => return Err(error),
        // After a change of the port, mongod does not find itself among the members and waits for
        // ever.
        Ok(answer) if !names_member(&answer, &host) => {
            let mut config = answer.get_document("config").cloned().unwrap_or_default();
            config.insert("members", members);
            let reconfigure = doc! { "replSetReconfig": config, "force": true };
            admin.run_command(reconfigure).await?;
        }
        Ok(_) => {}
    }
    Ok(false)
}

fn is_not_yet_initialized(error: &MongoError) -> bool {
    matches!(&*error.kind, ErrorKind::Command(refusal) if refusal.code == NOT_YET_INITIALIZED)
}

fn names_member(answer: &Document, host: &str) -> bool {
    let config = answer.get_document("config");
    let members = config.and_then(|config| config.get_array("members"));
    let is_host = |member: &Bson| {
        let member = member.as_document();
        member.is_some_and(|member| member.get_str("host").is_ok_and(|name| name == host))
    };
    members.is_ok_and(|members| members.iter().any(is_host))
}
