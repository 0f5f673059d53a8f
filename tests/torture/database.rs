//! The database of the torture tests: real mongods as a replica set of one or three. They can be
//! killed, stopped, stepped down, filled up and slowed.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use mongodb::{
    Client,
    bson::{Document, doc},
    options::{ClientOptions, ServerAddress},
};
use tokio::process::Command;

use crate::kit::{
    mongod,
    process::{self, Running, Signal},
};

/// Delays every sync of a file by the milliseconds in a flag file.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void hold(void) {
    FILE *flag = fopen(getenv("TORTURE_SLOW_SYNC"), "r");
    int milliseconds = 0;
    if (!flag) return;
    if (fscanf(flag, "%d", &milliseconds) == 1) usleep(milliseconds * 1000);
    fclose(flag);
}
int fsync(int file) { hold(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file); }
int fdatasync(int file) { hold(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file); }
"#;

/// The time limit for mongod to start, recover and be elected.
const PRIMARY_WITHIN: Duration = Duration::from_secs(90);

/// The kind of database that a fault needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One member.
    Single,
    /// Three members on this machine.
    Triple,
    /// One member whose folder is a small tmpfs.
    Small,
}

struct Member {
    port: u16,
    folder: PathBuf,
    process: Option<Running>,
}

pub struct Database {
    root: PathBuf,
    members: Vec<Member>,
    shim: Option<PathBuf>,
}

impl Database {
    /// Starts it; for [`Kind::Small`] the error says why nothing can be mounted here.
    pub async fn start(root: PathBuf, kind: Kind) -> Result<Self, String> {
        std::fs::create_dir_all(&root).unwrap();
        if kind == Kind::Small {
            let folder = root.join("member-0");
            std::fs::create_dir_all(&folder).unwrap();
            let target = folder.to_string_lossy().into_owned();
            let mount = ["-t", "tmpfs", "-o", "size=450m", "tmpfs", target.as_str()];
            if !process::run("mount", &mount).await {
                return Err("a tmpfs cannot be mounted here (needs root)".to_owned());
            }
        }
        let count = if kind == Kind::Triple { 3 } else { 1 };
        let members = (0..count).map(|number| Member {
            port: process::free_port(),
            folder: root.join(format!("member-{number}")),
            process: None,
        });
        let mut database = Self {
            members: members.collect(),
            shim: None,
            root,
        };
        if kind == Kind::Single {
            database.shim = database.build_shim().await;
        }
        for number in 0..count {
            database.start_member(number);
        }
        let members: Vec<Document> = (0_i32..)
            .zip(&database.members)
            .map(|(id, member)| doc! { "_id": id, "host": format!("127.0.0.1:{}", member.port) })
            .collect();
        let initiate = doc! { "replSetInitiate": { "_id": "rs0", "members": members } };
        let begun = Instant::now();
        while database.ask(0, initiate.clone()).await.is_err() {
            assert!(
                begun.elapsed() < PRIMARY_WITHIN,
                "mongod does not start: {}",
                database.root.display()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        database.primary().await;
        Ok(database)
    }

    async fn build_shim(&self) -> Option<PathBuf> {
        let (source, library) = (self.root.join("slow.c"), self.root.join("slow.so"));
        std::fs::write(&source, SHIM).ok()?;
        let (from, to) = (source.to_string_lossy(), library.to_string_lossy());
        let built = process::run("cc", &["-shared", "-fPIC", "-o", &to, &from, "-ldl"]).await;
        built.then_some(library)
    }

    fn flag(&self) -> PathBuf {
        self.root.join("slow-sync")
    }

    /// Starts a stopped member, on its port and folder.
    pub fn start_member(&mut self, number: usize) {
        let flag = self.flag();
        let member = &mut self.members[number];
        std::fs::create_dir_all(&member.folder).unwrap();
        let log = process::append_to(&member.folder.join("stderr.log"));
        let mut command = Command::new(mongod::binary());
        command
            .arg("--dbpath")
            .arg(&member.folder)
            .arg("--logpath")
            .arg(member.folder.join("mongod.log"));
        command.args([
            "--logappend",
            "--quiet",
            "--nounixsocket",
            "--bind_ip=127.0.0.1",
            "--replSet=rs0",
        ]);
        command.arg(format!("--port={}", member.port));
        command.args([
            "--wiredTigerCacheSizeGB=0.4",
            "--oplogSize=100",
            "--slowOpSampleRate=0",
        ]);
        // As in the managed mongod.
        command.arg("--setParameter=transactionLifetimeLimitSeconds=10");
        command.arg("--setParameter=minSnapshotHistoryWindowInSeconds=0");
        command.arg("--setParameter=diagnosticDataCollectionEnabled=false");
        command.stdout(std::process::Stdio::null()).stderr(log);
        if let Some(shim) = &self.shim {
            command
                .env("LD_PRELOAD", shim)
                .env("TORTURE_SLOW_SYNC", flag);
        }
        member.process = Some(Running::start(command));
    }

    pub fn uri(&self) -> String {
        let hosts: Vec<String> = self
            .members
            .iter()
            .map(|member| format!("127.0.0.1:{}", member.port))
            .collect();
        format!("mongodb://{}/?replicaSet=rs0", hosts.join(","))
    }

    /// Sends a command to one member directly.
    pub async fn ask(&self, number: usize, command: Document) -> Result<Document, String> {
        let address = ServerAddress::Tcp {
            host: "127.0.0.1".to_owned(),
            port: Some(self.members[number].port),
        };
        let options = ClientOptions::builder()
            .hosts(vec![address])
            .direct_connection(true);
        let options = options
            .server_selection_timeout(Duration::from_secs(1))
            .build();
        let client = Client::with_options(options).map_err(|error| error.to_string())?;
        let admin = client.database("admin");
        let asked = tokio::spawn(async move {
            let answer = admin
                .run_command(command)
                .await
                .map_err(|error| error.to_string());
            client.shutdown().immediate(true).await;
            answer
        });
        let answer = tokio::time::timeout(Duration::from_secs(30), asked).await;
        answer
            .map_err(|late| late.to_string())?
            .map_err(|panic| panic.to_string())?
    }

    async fn is_primary(&self, number: usize) -> bool {
        let hello = self.ask(number, doc! { "hello": 1 }).await;
        hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    /// The member that accepts writes; waits for one.
    pub async fn primary(&self) -> usize {
        let begun = Instant::now();
        loop {
            for number in 0..self.members.len() {
                if self.is_primary(number).await {
                    return number;
                }
            }
            assert!(
                begun.elapsed() < PRIMARY_WITHIN,
                "there is no primary: {}",
                self.root.display()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn kill(&mut self, number: usize) {
        if let Some(mut process) = self.members[number].process.take() {
            process.kill().await;
        }
    }

    pub fn signal(&self, number: usize, signal: Signal) {
        if let Some(process) = &self.members[number].process {
            process.signal(signal);
        }
    }

    pub fn has_ended(&mut self, number: usize) -> bool {
        self.members[number]
            .process
            .as_mut()
            .is_none_or(Running::has_ended)
    }

    /// Starts the members that are not running.
    pub fn start_missing(&mut self) {
        for number in 0..self.members.len() {
            if self.has_ended(number) {
                self.start_member(number);
            }
        }
    }

    pub fn can_slow_syncs(&self) -> bool {
        self.shim.is_some()
    }

    /// Delays each fsync by this time; `None` ends the delay.
    pub fn slow_syncs(&self, by: Option<Duration>) {
        match by {
            Some(by) => std::fs::write(self.flag(), by.as_millis().to_string()).unwrap(),
            None => drop(std::fs::remove_file(self.flag())),
        }
    }

    /// Fills the folder of the first member except for some KiB, or frees it again.
    pub fn fill(&self, is_full: bool) {
        let ballast = self.members[0].folder.join("ballast");
        if !is_full {
            let _ = std::fs::remove_file(ballast);
            return;
        }
        let chunk = vec![1_u8; 1 << 20];
        let mut file = std::fs::File::create(ballast).unwrap();
        while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
    }

    /// Stops everything and removes the data.
    pub async fn stop(mut self) {
        for member in &mut self.members {
            if let Some(mut process) = member.process.take() {
                process.kill().await;
            }
        }
        process::remove(&self.root).await;
    }
}
