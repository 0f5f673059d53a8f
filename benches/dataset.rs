//! The mongod of a run and its databases. Wardline's `seed` makes them; the peer gets copies.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use mongodb::{
    Client,
    bson::{Bson, Document, doc, oid::ObjectId},
};
use tokio::{process::Command, sync::OnceCell};
use wardline::store::embedded::{EmbeddedMongod, EmbeddedOptions};

use crate::{
    Outcome,
    cases::baseline::Best,
    http,
    options::Options,
    subject::{Kind, Subject, last_lines},
    users::{Population, Positions, User},
};

/// The number of users in every database.
pub const USERS: usize = 5_000;
/// The number of private sessions: each user has one with the next two on either side.
pub const SESSIONS: usize = 10_000;

/// The database with a long history.
pub const MILLION: &str = "million";
/// The database with the same users and sessions, and little history.
pub const LITTLE: &str = "little";

/// The data that the cases share.
pub struct Dataset {
    mongod: EmbeddedMongod,
    binary: PathBuf,
    wardline: PathBuf,
    pub folder: PathBuf,
    pub secret: String,
    live: OnceCell<Population>,
    million: OnceCell<Population>,
    little: OnceCell<Population>,
    pub baseline: OnceCell<Best>,
}

impl Dataset {
    /// Starts mongod in a folder of this process.
    pub async fn open(search: crate::MongodSearch, wardline: Option<PathBuf>) -> Outcome<Self> {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let options = EmbeddedOptions {
            binary: search.mongod,
            search_path: search.path,
            data_dir: folder.clone(),
            cache_gb: Some(1.0),
        };
        let mongod = EmbeddedMongod::start(options).await?;
        let secret = format!(
            "{:032x}{:032x}",
            rand::random::<u128>(),
            rand::random::<u128>()
        );
        let mut dataset = Self {
            mongod,
            binary: PathBuf::from("mongod"),
            wardline: wardline.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_wardline"))),
            folder,
            secret,
            live: OnceCell::new(),
            million: OnceCell::new(),
            little: OnceCell::new(),
            baseline: OnceCell::new(),
        };
        dataset.binary =
            fs::read_link(format!("/proc/{}/exe", dataset.mongod_pid())).unwrap_or(dataset.binary);
        Ok(dataset)
    }

    /// Stops mongod and removes the folder.
    pub async fn close(self) -> Outcome<()> {
        self.mongod.stop().await?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    pub fn uri(&self) -> &str {
        self.mongod.uri()
    }

    /// Returns the binary of the running mongod.
    pub fn mongod_binary(&self) -> &Path {
        &self.binary
    }

    pub fn mongod_pid(&self) -> u32 {
        let lock = fs::read_to_string(self.folder.join("mongodb/mongod.lock")).unwrap_or_default();
        lock.trim().parse().unwrap_or_default()
    }

    /// Connects a new client to mongod.
    pub async fn client(&self) -> Outcome<Client> {
        Ok(Client::with_uri_str(self.uri()).await?)
    }

    /// Returns the command line of Wardline on `database`, without the settings of the caller's
    /// environment.
    pub fn wardline_command(&self, database: &str) -> Command {
        let mut command = Command::new(&self.wardline);
        for foreign in [
            "WARDLINE_ENV",
            "CORS_ORIGINS",
            "FRONTEND_URL",
            "TRUSTED_PROXIES",
            "REGISTRATION",
        ] {
            command.env_remove(foreign);
        }
        for foreign in [
            "JWT_TTL",
            "ADMIN_USERNAME",
            "ADMIN_PASSWORD",
            "METRICS_TOKEN",
            "LOG_FORMAT",
        ] {
            command.env_remove(foreign);
        }
        command
            .env("MONGODB_URI", self.uri())
            .env("MONGODB_DB", database)
            .env("DATA_DIR", self.data())
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("RATE_LIMIT", "off")
            .env("LOG", "warn")
            .env("NO_COLOR", "1")
            .env("JWT_SECRET", &self.secret);
        configure_child(&mut command);
        command
    }

    /// Returns the data folder of Wardline, which holds its search indexes.
    pub fn data(&self) -> PathBuf {
        self.folder.join("wardline")
    }

    /// Returns a data folder in which no search index can be created.
    pub fn data_without_index(&self) -> Outcome<PathBuf> {
        let data = self.folder.join("unsearchable");
        fs::create_dir_all(&data)?;
        fs::write(data.join("search"), "no folder")?;
        Ok(data)
    }

    /// Waits until the search index of a database is built, so that it does not disturb a case.
    async fn wait_until_built(&self, database: &str, population: &Population) -> Outcome<()> {
        let start = Instant::now();
        let subject = Subject::start(self, Kind::Wardline, database).await?;
        poll_until_indexed(&subject, population).await?;
        println!("… indexed in {:.0} s", start.elapsed().as_secs_f64());
        subject.stop().await
    }

    /// Waits until the index has caught up with the writes of a case, so that it does not disturb
    /// the next one.
    pub async fn wait_for_index(&self, subject: &Subject, database: &str) -> Outcome<()> {
        let population = match database {
            MILLION => self.million.get(),
            LITTLE => self.little.get(),
            _ => self.live.get(),
        };
        match population {
            Some(population) => poll_until_indexed(subject, population).await,
            None => Ok(()),
        }
    }

    /// Returns the command line of a script in the peer's folder.
    pub fn peer_command(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command
            .args(["--expose-gc", script])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer"))
            .env("NODE_ENV", "production")
            .env("MONGODB_URI", self.uri())
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("JWT_SECRET", &self.secret);
        configure_child(&mut command);
        command
    }

    /// Seeds a database in steps of users, sessions and messages.
    pub async fn seed(&self, database: &str, steps: &[[usize; 3]]) -> Outcome<()> {
        for [users, sessions, messages] in steps {
            let mut command = self.wardline_command(database);
            command.arg("seed").arg(format!("--users={users}"));
            command
                .arg(format!("--sessions={sessions}"))
                .arg(format!("--messages={messages}"));
            output_of(command, "wardline seed").await?;
        }
        Ok(())
    }

    /// Makes the peer's copy of a database.
    pub async fn copy(&self, database: &str) -> Outcome<()> {
        let mut command = self.peer_command("copy.js");
        command
            .env("FROM", database)
            .env("TO", Kind::Peer.database(database));
        output_of(command, "node copy.js").await.map(drop)
    }

    /// Removes a database and its copy.
    pub async fn drop(&self, database: &str) -> Outcome<()> {
        let client = self.client().await?;
        client.database(database).drop().await?;
        client
            .database(&Kind::Peer.database(database))
            .drop()
            .await?;
        Ok(())
    }

    /// Returns the users of the cases that send messages, with little history, for both subjects.
    pub async fn live(&self, with_peer: bool) -> Outcome<&Population> {
        self.live
            .get_or_try_init(async || {
                println!("… making {USERS} users in {SESSIONS} sessions");
                self.seed("bench", &[[USERS, SESSIONS, 2 * SESSIONS]])
                    .await?;
                if with_peer {
                    self.copy("bench").await?;
                }
                let population = self.population("bench").await?;
                self.wait_until_built("bench", &population).await?;
                Ok(population)
            })
            .await
    }

    /// Returns the users of the database with a million messages, half of them in one session, for
    /// both subjects.
    pub async fn million(&self, options: &Options) -> Outcome<&Population> {
        let (half, with_peer) = (options.count(500_000, 20_000), !options.no_peer);
        self.million
            .get_or_try_init(|| self.with_history(MILLION, half, with_peer))
            .await
    }

    /// Returns the users of the database with a fiftieth of the messages, for Wardline alone.
    pub async fn little(&self, options: &Options) -> Outcome<&Population> {
        let half = options.count(500_000, 20_000) / 50;
        self.little
            .get_or_try_init(|| self.with_history(LITTLE, half, false))
            .await
    }

    async fn with_history(
        &self,
        database: &str,
        half: usize,
        with_peer: bool,
    ) -> Outcome<Population> {
        let start = Instant::now();
        println!(
            "… making {} messages, {half} of them in one session",
            2 * half
        );
        self.seed(database, &[[2, 1, half], [USERS, SESSIONS, half]])
            .await?;
        println!("… made in {:.0} s", start.elapsed().as_secs_f64());
        if with_peer {
            self.copy(database).await?;
            println!(
                "… with the peer's copy in {:.0} s",
                start.elapsed().as_secs_f64()
            );
        }
        let population = self.population(database).await?;
        self.wait_until_built(database, &population).await?;
        Ok(population)
    }

    /// Reads the users of a database, with their tokens and sessions.
    pub async fn population(&self, database: &str) -> Outcome<Population> {
        let mut command = self.wardline_command(database);
        command.arg("token").arg(format!("--synthetic={USERS}"));
        let output = output_of(command, "wardline token").await?;
        let mut users: Vec<User> = serde_json::from_slice(&output)?;
        users.sort_by(|one, other| one.username.cmp(&other.username));
        let mut population = Population::new(users);
        let sessions = self
            .client()
            .await?
            .database(database)
            .collection::<Document>("sessions");
        let fields = doc! { "participants": 1, "seq": 1 };
        let mut rows = sessions.find(doc! {}).projection(fields).await?;
        while let Some(row) = rows.try_next().await? {
            let pair: Vec<String> = row
                .get_array("participants")?
                .iter()
                .filter_map(Bson::as_object_id)
                .map(ObjectId::to_hex)
                .collect();
            let id = row.get_object_id("_id")?.to_hex();
            population.add_session(&id, &pair, row.get_i64("seq")?);
        }
        Ok(population)
    }

    /// Returns the admin of a database, who is created the first time.
    pub async fn admin(&self, database: &str) -> Outcome<User> {
        let mut make = self.wardline_command(database);
        make.env("ADMIN_USERNAME", "director")
            .env("ADMIN_PASSWORD", "of the whole hospital");
        // Any command that opens the database creates its first admin.
        make.arg("check");
        output_of(make, "wardline check").await?;
        let mut token = self.wardline_command(database);
        token.arg("token").arg("director");
        let users: Vec<User> = serde_json::from_slice(&output_of(token, "wardline token").await?)?;
        users.into_iter().next().ok_or_else(|| "no admin".into())
    }

    /// Returns the positions of every session of a database.
    pub async fn positions(&self, database: &str) -> Outcome<Positions> {
        let sessions = self
            .client()
            .await?
            .database(database)
            .collection::<Document>("sessions");
        let mut rows = sessions
            .find(doc! {})
            .projection(doc! { "seq": 1, "rev": 1 })
            .await?;
        // The peer stores JavaScript numbers as any of the three types.
        let number = |row: &Document, key: &str| match row.get(key) {
            Some(Bson::Int64(number)) => *number as u64,
            Some(Bson::Int32(number)) => *number as u64,
            Some(Bson::Double(number)) => *number as u64,
            _ => 0,
        };
        let mut positions = Positions::new();
        while let Some(row) = rows.try_next().await? {
            let id = row.get_object_id("_id")?.to_hex();
            positions.insert(id, (number(&row, "seq"), number(&row, "rev")));
        }
        Ok(positions)
    }
}

/// Waits until the search index is up to date.
async fn poll_until_indexed(subject: &Subject, population: &Population) -> Outcome<()> {
    let Some(user) = population.users.first() else {
        return Ok(());
    };
    let (start, limit) = (Instant::now(), Duration::from_mins(15));
    let mut connection = http::Connection::open(subject.address).await?;
    let path = format!(
        "/api/chat/messages/search?userId={}&keyword=bed&limit=1",
        user.id
    );
    while memchr::memmem::find(
        connection.get(&path, &user.token).await?,
        b"\"indexing\":true",
    )
    .is_some()
    {
        if start.elapsed() > limit {
            return Err("the search index did not catch up in time".into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Makes a child end with this process, but not by a Ctrl-C that is meant for this process.
fn configure_child(command: &mut Command) {
    command
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::null());
}

/// Runs a program to its end and returns its output.
async fn output_of(mut command: Command, name: &str) -> Outcome<Vec<u8>> {
    let output = command.output().await?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed ({}): {}", output.status, last_lines(&words)).into());
    }
    Ok(output.stdout)
}
