//! The one mongod of a run, and the databases in it: made by Wardline's own `seed`, copied for the peer.

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
    contestant::{Contestant, Kind, last_words},
    http,
    options::Options,
    people::{Person, Positions, World},
    rows::floor::Best,
};

/// People of every database.
pub const PEOPLE: usize = 5_000;
/// Their private sessions: everybody talks with the next two on either side.
pub const SESSIONS: usize = 10_000;

/// The database with a long history.
pub const MILLION: &str = "million";
/// The same people and sessions, with little history.
pub const LITTLE: &str = "little";

/// Everything that the rows share.
pub struct House {
    mongod: EmbeddedMongod,
    binary: PathBuf,
    wardline: PathBuf,
    pub folder: PathBuf,
    pub secret: String,
    live: OnceCell<World>,
    million: OnceCell<World>,
    little: OnceCell<World>,
    pub floor: OnceCell<Best>,
}

impl House {
    /// Starts mongod in a folder of this process.
    pub async fn open(search: crate::Search, wardline: Option<PathBuf>) -> Outcome<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let options = EmbeddedOptions {
            binary: search.mongod,
            search_path: search.path,
            data_dir: folder.clone(),
            cache_gb: Some(1.0),
        };
        let mongod = EmbeddedMongod::start(options).await?;
        let secret = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let mut house = Self {
            mongod,
            binary: PathBuf::from("mongod"),
            wardline: wardline.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_wardline"))),
            folder,
            secret,
            live: OnceCell::new(),
            million: OnceCell::new(),
            little: OnceCell::new(),
            floor: OnceCell::new(),
        };
        house.binary = fs::read_link(format!("/proc/{}/exe", house.mongod_pid())).unwrap_or(house.binary);
        Ok(house)
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

    /// The binary that runs.
    pub fn mongod_binary(&self) -> &Path {
        &self.binary
    }

    pub fn mongod_pid(&self) -> u32 {
        let lock = fs::read_to_string(self.folder.join("mongodb/mongod.lock")).unwrap_or_default();
        lock.trim().parse().unwrap_or_default()
    }

    /// A connection of our own.
    pub async fn client(&self) -> Outcome<Client> {
        Ok(Client::with_uri_str(self.uri()).await?)
    }

    /// The command line of Wardline on `database`, without anything of the caller's settings.
    pub fn wardline(&self, database: &str) -> Command {
        let mut command = Command::new(&self.wardline);
        for foreign in ["WARDLINE_ENV", "CORS_ORIGINS", "FRONTEND_URL", "TRUSTED_PROXIES", "REGISTRATION"] {
            command.env_remove(foreign);
        }
        for foreign in ["JWT_TTL", "ADMIN_USERNAME", "ADMIN_PASSWORD", "METRICS_TOKEN", "LOG_FORMAT"] {
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
        own(&mut command);
        command
    }

    /// Wardline's data folder, where its search indexes are.
    pub fn data(&self) -> PathBuf {
        self.folder.join("wardline")
    }

    /// A data folder in which there can be no search index.
    pub fn data_without_index(&self) -> Outcome<PathBuf> {
        let data = self.folder.join("unsearchable");
        fs::create_dir_all(&data)?;
        fs::write(data.join("search"), "no folder")?;
        Ok(data)
    }

    /// Waits until the search index of a database is built, so that no row is measured beside it.
    async fn index(&self, database: &str, world: &World) -> Outcome<()> {
        let start = Instant::now();
        let contestant = Contestant::start(self, Kind::Wardline, database).await?;
        catch_up(&contestant, world).await?;
        println!("… indexed in {:.0} s", start.elapsed().as_secs_f64());
        contestant.stop().await
    }

    /// Waits until the index has made up for what a row wrote faster than it follows, so that the next row
    /// is not measured beside that.
    pub async fn settle(&self, contestant: &Contestant, database: &str) -> Outcome<()> {
        let world = match database {
            MILLION => self.million.get(),
            LITTLE => self.little.get(),
            _ => self.live.get(),
        };
        match world {
            Some(world) => catch_up(contestant, world).await,
            None => Ok(()),
        }
    }

    /// A program of the peer's folder.
    pub fn peer(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command
            .args(["--expose-gc", script])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer"))
            .env("NODE_ENV", "production")
            .env("MONGODB_URI", self.uri())
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("JWT_SECRET", &self.secret);
        own(&mut command);
        command
    }

    /// Seeds a database in steps of people, sessions and messages.
    pub async fn seed(&self, database: &str, steps: &[[usize; 3]]) -> Outcome<()> {
        for [people, sessions, messages] in steps {
            let mut command = self.wardline(database);
            command.arg("seed").arg(format!("--users={people}"));
            command.arg(format!("--sessions={sessions}")).arg(format!("--messages={messages}"));
            output_of(command, "wardline seed").await?;
        }
        Ok(())
    }

    /// Makes the peer's own copy of a database.
    pub async fn copy(&self, database: &str) -> Outcome<()> {
        let mut command = self.peer("copy.js");
        command.env("FROM", database).env("TO", Kind::Peer.database(database));
        output_of(command, "node copy.js").await.map(drop)
    }

    /// Removes a database and its copy.
    pub async fn drop(&self, database: &str) -> Outcome<()> {
        let client = self.client().await?;
        client.database(database).drop().await?;
        client.database(&Kind::Peer.database(database)).drop().await?;
        Ok(())
    }

    /// The people of the rows in which people talk, with little history, for both contestants.
    pub async fn live(&self, with_peer: bool) -> Outcome<&World> {
        self.live
            .get_or_try_init(async || {
                println!("… making the people ({PEOPLE}, in {SESSIONS} sessions)");
                self.seed("bench", &[[PEOPLE, SESSIONS, 2 * SESSIONS]]).await?;
                if with_peer {
                    self.copy("bench").await?;
                }
                let world = self.world("bench").await?;
                self.index("bench", &world).await?;
                Ok(world)
            })
            .await
    }

    /// A million messages, half of them in one session, for both contestants.
    pub async fn million(&self, options: &Options) -> Outcome<&World> {
        let (half, with_peer) = (options.count(500_000, 20_000), !options.no_peer);
        self.million.get_or_try_init(|| self.with_history(MILLION, half, with_peer)).await
    }

    /// A fiftieth of it, for Wardline alone.
    pub async fn little(&self, options: &Options) -> Outcome<&World> {
        let half = options.count(500_000, 20_000) / 50;
        self.little.get_or_try_init(|| self.with_history(LITTLE, half, false)).await
    }

    async fn with_history(&self, database: &str, half: usize, with_peer: bool) -> Outcome<World> {
        let start = Instant::now();
        println!("… making {} messages, {half} of them in one session", 2 * half);
        self.seed(database, &[[2, 1, half], [PEOPLE, SESSIONS, half]]).await?;
        println!("… made in {:.0} s", start.elapsed().as_secs_f64());
        if with_peer {
            self.copy(database).await?;
            println!("… with the peer's copy in {:.0} s", start.elapsed().as_secs_f64());
        }
        let world = self.world(database).await?;
        self.index(database, &world).await?;
        Ok(world)
    }

    /// The people of a database, with their tokens and sessions.
    pub async fn world(&self, database: &str) -> Outcome<World> {
        let mut command = self.wardline(database);
        command.arg("token").arg(format!("--synthetic={PEOPLE}"));
        let output = output_of(command, "wardline token").await?;
        let mut people: Vec<Person> = serde_json::from_slice(&output)?;
        people.sort_by(|one, other| one.username.cmp(&other.username));
        let mut world = World::new(people);
        let sessions = self.client().await?.database(database).collection::<Document>("sessions");
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
            world.seat(&id, &pair, row.get_i64("seq")?);
        }
        Ok(world)
    }

    /// The admin of a database, made the first time.
    pub async fn admin(&self, database: &str) -> Outcome<Person> {
        let mut make = self.wardline(database);
        make.env("ADMIN_USERNAME", "director").env("ADMIN_PASSWORD", "of the whole house");
        // Whoever opens a database makes its first admin.
        make.arg("check");
        output_of(make, "wardline check").await?;
        let mut token = self.wardline(database);
        token.arg("token").arg("director");
        let people: Vec<Person> = serde_json::from_slice(&output_of(token, "wardline token").await?)?;
        people.into_iter().next().ok_or_else(|| "no admin".into())
    }

    /// How far every session of a database is.
    pub async fn positions(&self, database: &str) -> Outcome<Positions> {
        let sessions = self.client().await?.database(database).collection::<Document>("sessions");
        let mut rows = sessions.find(doc! {}).projection(doc! { "seq": 1, "rev": 1 }).await?;
        // JavaScript's numbers may be stored as any of the three.
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

/// Waits until search is up to date.
async fn catch_up(contestant: &Contestant, world: &World) -> Outcome<()> {
    let Some(person) = world.people.first() else { return Ok(()) };
    let (start, limit) = (Instant::now(), Duration::from_mins(15));
    let mut line = http::Line::open(contestant.address).await?;
    let path = format!("/api/chat/messages/search?userId={}&keyword=bed&limit=1", person.id);
    while memchr::memmem::find(line.get(&path, &person.token).await?, b"\"indexing\":true").is_some() {
        if start.elapsed() > limit {
            return Err("the search index did not catch up in time".into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// A child that ends with us, but not by a Ctrl-C that is meant for us.
fn own(command: &mut Command) {
    command.process_group(0).kill_on_drop(true).stdin(Stdio::null());
}

/// Runs a program to its end and answers what it printed.
async fn output_of(mut command: Command, name: &str) -> Outcome<Vec<u8>> {
    let output = command.output().await?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed ({}): {}", output.status, last_words(&words)).into());
    }
    Ok(output.stdout)
}
