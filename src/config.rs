//! The settings: the only reader of the environment. Every variable is listed in [`VARIABLES`] with its
//! default and meaning; all are checked once, at start, and every bad one is named.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::domain::{
    file::Place,
    statistics::{BadTimeZone, Calendar},
};

/// One environment variable: name, default, meaning. `README.md` shows this table.
pub const VARIABLES: [(&str, &str, &str); 32] = [
    ("HOST", "127.0.0.1", "the address to listen on"),
    ("PORT", "3000", "the port to listen on; 0 takes a free one"),
    ("MONGODB_URI", "", "a replica set; without it the service starts and stops a mongod of its own"),
    ("MONGODB_DB", "wardline", "the database's name"),
    ("DATA_DIR", "./data", "where the managed mongod, the generated secret and the search index live"),
    ("JWT_SECRET", "", "at least 32 bytes; required in production, else made once and kept in DATA_DIR"),
    ("JWT_TTL", "12h", "how long a token lives"),
    ("REGISTRATION", "open", "open or closed: whether people may register themselves"),
    ("CORS_ORIGINS", "", "comma list of web origins that may call; the service's own always may"),
    ("FRONTEND_URL", "", "one more allowed origin"),
    ("TRUSTED_PROXIES", "", "comma list of addresses or networks whose X-Forwarded-For is believed"),
    ("RATE_LIMIT", "on", "on or off (for load tests)"),
    ("ADMIN_USERNAME", "", "with ADMIN_PASSWORD: the first admin, made when there is none"),
    ("ADMIN_PASSWORD", "", "see ADMIN_USERNAME"),
    ("RECALL_WINDOW", "2m", "how long a message may be recalled"),
    ("EDIT_WINDOW", "24h", "how long a message may be edited"),
    ("MAX_UPLOAD", "25MB", "the largest file"),
    ("UPLOAD_QUOTA", "2GB", "what all files of one person may take up together"),
    ("FILE_STORE", "gridfs", "where files are kept: gridfs, file:///folder or s3://bucket/prefix"),
    ("AWS_ACCESS_KEY_ID", "", "for s3: the key"),
    ("AWS_SECRET_ACCESS_KEY", "", "for s3: its secret"),
    ("AWS_SESSION_TOKEN", "", "for s3: with temporary keys"),
    ("AWS_REGION", "", "for s3: the bucket's region"),
    ("AWS_ENDPOINT_URL", "", "for s3: another service that speaks it, such as MinIO"),
    ("AWS_ALLOW_HTTP", "", "for s3: true lets that service be without TLS"),
    ("TIME_ZONE", "UTC", "where the hospital stands, for the days of its statistics: Asia/Shanghai"),
    ("METRICS_TOKEN", "", "a bearer token that opens /metrics to others than loopback"),
    ("WARDLINE_ENV", "development", "development or production"),
    ("WARDLINE_MONGOD", "", "the mongod to manage, instead of one on PATH or in .mongod/"),
    ("LOG", "info", "a tracing filter"),
    ("LOG_FORMAT", "text", "text or json"),
    ("PATH", "", "searched for a mongod"),
];

/// The variables that an S3 client takes, under the names it knows them by.
const AWS: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ALLOW_HTTP",
];

/// Where the service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Durations that no contract lets an operator choose, but tests need shorter.
#[derive(Debug, Clone)]
pub struct Timings {
    /// In groups, how many have got and read a message is told at most this often.
    pub counts: Duration,
    /// A typing sign stops by itself after this.
    pub typing: Duration,
    /// Several changes of one user's status within this are told as one.
    pub presence_window: Duration,
    /// How often a node says that it lives.
    pub heartbeat: Duration,
    /// A node that was silent for so long is dead.
    pub node_death: Duration,
    /// How long a token is believed without news: only an end on another node can take this long to be
    /// noticed; this node's own ends count at once.
    pub token_belief: Duration,
    /// An upload from which nothing comes for so long is broken off.
    pub upload_stall: Duration,
    /// How often files that nobody needs are looked for.
    pub file_sweep: Duration,
    /// Socket.IO's ping interval.
    pub ping_interval: Duration,
    /// Socket.IO's ping time-out.
    pub ping_timeout: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            counts: Duration::from_secs(1),
            typing: Duration::from_secs(6),
            presence_window: Duration::from_millis(250),
            heartbeat: Duration::from_secs(10),
            node_death: Duration::from_secs(35),
            token_belief: Duration::from_secs(1),
            upload_stall: Duration::from_secs(30),
            file_sweep: Duration::from_mins(1),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// Everything an operator decides.
#[derive(Clone)]
pub struct Settings {
    pub host: IpAddr,
    pub port: u16,
    pub mongodb_uri: Option<String>,
    pub mongodb_db: String,
    pub data_dir: PathBuf,
    pub jwt_secret: Option<String>,
    pub jwt_ttl: Duration,
    pub registration_open: bool,
    /// Origins as a browser sends them: scheme, host, port.
    pub origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub rate_limit: bool,
    pub first_admin: Option<(String, String)>,
    pub recall_window: Duration,
    pub edit_window: Duration,
    /// Bytes.
    pub max_upload: u64,
    /// Bytes, of one person.
    pub upload_quota: u64,
    pub file_store: Place,
    /// The hospital's hours and days.
    pub calendar: Arc<Calendar>,
    pub metrics_token: Option<String>,
    pub environment: Environment,
    pub mongod: Option<PathBuf>,
    pub search_path: Option<std::ffi::OsString>,
    pub log: String,
    pub log_format: LogFormat,
    pub timings: Timings,
}

// Secrets stay out of logs.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("mongodb_db", &self.mongodb_db)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// Every bad value, with the variable's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad configuration: {}", .0.join("; "))]
pub struct BadSettings(pub Vec<String>);

struct Reader<'a> {
    values: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parsed<T>(&mut self, name: &str, default: T, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        parse(&text).unwrap_or_else(|| {
            self.problems.push(format!("{name} must be {wanted}"));
            default
        })
    }

    fn list<T>(&mut self, name: &str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let text = self.text(name).unwrap_or_default();
        let mut list = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match parse(entry) {
                Some(value) => list.push(value),
                None => self.problems.push(format!("{name} must be {wanted}")),
            }
        }
        list
    }

    fn secret(&mut self, environment: Environment) -> Option<String> {
        let secret = self.text("JWT_SECRET");
        match (&secret, environment) {
            (Some(secret), _) if secret.len() < 32 => {
                self.problems.push("JWT_SECRET must have at least 32 bytes".to_owned());
            }
            (None, Environment::Production) => {
                self.problems.push("JWT_SECRET is required in production".to_owned());
            }
            _ => {}
        }
        secret
    }

    fn file_store(&mut self) -> Place {
        let options = AWS.iter().filter_map(|name| Some((name.to_ascii_lowercase(), self.text(name)?)));
        let options: Vec<(String, String)> = options.collect();
        let wanted = "gridfs, file:///folder or s3://bucket/prefix";
        self.parsed("FILE_STORE", Place::GridFs, wanted, |text| {
            if text == "gridfs" {
                return Some(Place::GridFs);
            }
            if let Some(folder) = text.strip_prefix("file://") {
                return folder.starts_with('/').then(|| Place::Folder(folder.into()));
            }
            let (bucket, prefix) =
                text.strip_prefix("s3://").map(|path| path.split_once('/').unwrap_or((path, "")))?;
            let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
            (!bucket.is_empty()).then(|| Place::S3 { bucket, prefix, options: options.clone() })
        })
    }

    fn calendar(&mut self) -> Arc<Calendar> {
        let name = self.text("TIME_ZONE").unwrap_or_else(|| "UTC".to_owned());
        Arc::new(Calendar::of(&name).unwrap_or_else(|BadTimeZone| {
            self.problems.push("TIME_ZONE must be a name such as Asia/Shanghai".to_owned());
            Calendar::utc()
        }))
    }

    fn first_admin(&mut self) -> Option<(String, String)> {
        match (self.text("ADMIN_USERNAME"), self.text("ADMIN_PASSWORD")) {
            (Some(name), Some(password)) => {
                if !crate::domain::user::is_valid_username(&name) {
                    self.problems.push("ADMIN_USERNAME must be 3 to 32 letters, digits, . _ -".to_owned());
                }
                if !crate::domain::user::is_valid_password(&password, &name) {
                    self.problems
                        .push("ADMIN_PASSWORD must have 8 to 128 characters and not be the name".to_owned());
                }
                Some((name, password))
            }
            (None, None) => None,
            _ => {
                self.problems.push("ADMIN_USERNAME and ADMIN_PASSWORD go together".to_owned());
                None
            }
        }
    }
}

fn parse_origin(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
    (!host.is_empty() && !host.contains(['/', '*', '@', ' '])).then(|| text.to_ascii_lowercase())
}

fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn parse_bytes(text: &str) -> Option<u64> {
    let upper = text.to_ascii_uppercase();
    let (number, unit) = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1), ("", 1)]
        .into_iter()
        .find_map(|(suffix, unit)| upper.strip_suffix(suffix).map(|number| (number, unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

fn parse_duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero())
}

fn parse_switch(on: &'static str, off: &'static str) -> impl Fn(&str) -> Option<bool> {
    move |text| {
        if text == on { Some(true) } else { (text == off).then_some(false) }
    }
}

impl Settings {
    /// Reads and checks the process's environment.
    ///
    /// # Errors
    /// Naming every bad variable.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_environment() -> Result<Self, BadSettings> {
        let known =
            VARIABLES.iter().filter_map(|(name, ..)| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        Self::from_values(&known.collect())
    }

    /// Checks the given variables.
    ///
    /// # Errors
    /// Naming every bad variable.
    pub fn from_values(values: &BTreeMap<String, String>) -> Result<Self, BadSettings> {
        let mut read = Reader { values, problems: Vec::new() };
        let duration = "a duration such as 12h or 90s";
        let environment =
            read.parsed("WARDLINE_ENV", Environment::Development, "development or production", |text| {
                match text {
                    "development" => Some(Environment::Development),
                    "production" => Some(Environment::Production),
                    _ => None,
                }
            });
        let origin = "an origin such as https://ward.example";
        let mut origins = read.list("CORS_ORIGINS", origin, parse_origin);
        origins.extend(read.list("FRONTEND_URL", origin, parse_origin));
        let jwt_secret = read.secret(environment);
        let first_admin = read.first_admin();
        let settings = Self {
            host: read
                .parsed("HOST", IpAddr::from([127, 0, 0, 1]), "an IP address", |text| text.parse().ok()),
            port: read.parsed("PORT", 3000, "a port number", |text| text.parse().ok()),
            mongodb_uri: read.parsed("MONGODB_URI", None, "a mongodb:// address", |text| {
                (text.starts_with("mongodb://") || text.starts_with("mongodb+srv://"))
                    .then(|| Some(text.to_owned()))
            }),
            mongodb_db: read.parsed("MONGODB_DB", "wardline".to_owned(), "a database name", |text| {
                (text.len() <= 38
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')))
                .then(|| text.to_owned())
            }),
            data_dir: read.text("DATA_DIR").unwrap_or_else(|| "./data".to_owned()).into(),
            jwt_secret,
            jwt_ttl: read.parsed("JWT_TTL", Duration::from_hours(12), duration, parse_duration),
            registration_open: read.parsed(
                "REGISTRATION",
                true,
                "open or closed",
                parse_switch("open", "closed"),
            ),
            origins,
            trusted_proxies: read.list("TRUSTED_PROXIES", "a list of addresses or networks", parse_network),
            rate_limit: read.parsed("RATE_LIMIT", true, "on or off", parse_switch("on", "off")),
            first_admin,
            recall_window: read.parsed("RECALL_WINDOW", Duration::from_mins(2), duration, parse_duration),
            edit_window: read.parsed("EDIT_WINDOW", Duration::from_hours(24), duration, parse_duration),
            max_upload: read.parsed("MAX_UPLOAD", 25_000_000, "a size such as 25MB", parse_bytes),
            upload_quota: read.parsed("UPLOAD_QUOTA", 2_000_000_000, "a size such as 2GB", parse_bytes),
            file_store: read.file_store(),
            calendar: read.calendar(),
            metrics_token: read.text("METRICS_TOKEN"),
            environment,
            mongod: read.text("WARDLINE_MONGOD").map(PathBuf::from),
            search_path: read.text("PATH").map(Into::into),
            log: read.text("LOG").unwrap_or_else(|| "info".to_owned()),
            log_format: read.parsed("LOG_FORMAT", LogFormat::Text, "text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            }),
            timings: Timings::default(),
        };
        if read.problems.is_empty() { Ok(settings) } else { Err(BadSettings(read.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        Settings::from_values(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn without_any_variable_the_documented_defaults_hold() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("127.0.0.1", 3000));
        assert_eq!(settings.jwt_ttl, Duration::from_hours(12));
        assert_eq!(settings.max_upload, 25_000_000);
        assert_eq!(settings.upload_quota, 2_000_000_000);
        assert!(settings.file_store == Place::GridFs);
        assert!(settings.registration_open && settings.rate_limit);
    }

    #[test]
    fn every_bad_value_is_named_at_once() {
        let BadSettings(problems) = read(&[
            ("PORT", "99999"),
            ("JWT_TTL", "soon"),
            ("JWT_SECRET", "short"),
            ("CORS_ORIGINS", "https://ok.example, *"),
            ("RATE_LIMIT", "maybe"),
            ("TRUSTED_PROXIES", "10.0.0.0/99"),
            ("ADMIN_USERNAME", "boss"),
        ])
        .unwrap_err();
        for name in [
            "PORT",
            "JWT_TTL",
            "JWT_SECRET",
            "CORS_ORIGINS",
            "RATE_LIMIT",
            "TRUSTED_PROXIES",
            "ADMIN_PASSWORD",
        ] {
            assert!(
                problems.iter().any(|problem| problem.contains(name)),
                "{name} is missing in {problems:?}"
            );
        }
    }

    #[test]
    fn files_are_kept_where_it_says() {
        let place = |text: &str| read(&[("FILE_STORE", text), ("AWS_REGION", "x")]).map(|s| s.file_store);
        assert!(place("file:///srv/files") == Ok(Place::Folder("/srv/files".into())));
        let options = vec![("aws_region".to_owned(), "x".to_owned())];
        let bucket = Place::S3 { bucket: "ward".to_owned(), prefix: "a/b".to_owned(), options };
        assert!(place("s3://ward/a/b/") == Ok(bucket));
        for bad in ["file://srv", "s3://", "/srv", "http://x"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn production_needs_a_secret() {
        assert!(read(&[("WARDLINE_ENV", "production")]).is_err());
        assert!(read(&[("WARDLINE_ENV", "production"), ("JWT_SECRET", &"s".repeat(32))]).is_ok());
    }

    #[test]
    fn the_frontend_is_one_more_origin() {
        let settings =
            read(&[("CORS_ORIGINS", "https://a.example"), ("FRONTEND_URL", "http://localhost:5173/")])
                .unwrap();
        assert_eq!(settings.origins, ["https://a.example", "http://localhost:5173"]);
    }
}
