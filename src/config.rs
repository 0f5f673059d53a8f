//! The settings: the only reader of the environment. Every variable is listed in [`VARIABLES`] with
//! its default and meaning. All are checked once, at start, and every bad one is named.

mod checks;
mod networks;
mod secret_file;

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::domain::{
    file::BlobLocation,
    statistics::{BadTimeZone, Calendar},
    user::ContactVisibility,
};

/// One environment variable: name, default, meaning. `docs/operations/configuration.md` shows this
/// table.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    ("HOST", "127.0.0.1", "the address to listen on"),
    ("PORT", "3000", "the port to listen on; 0 takes a free one"),
    (
        "MONGODB_URI",
        "",
        "a replica set; without it the service starts and stops a mongod of its own",
    ),
    ("MONGODB_URI_FILE", "", "a file that holds it"),
    (
        "MONGODB_DB",
        "wardline",
        "the database's name, unless the path of MONGODB_URI says it",
    ),
    (
        "MANAGED_MONGOD",
        "",
        "allow: a mongod of the service's own in production, too",
    ),
    (
        "DATA_DIR",
        "./data",
        "where the managed mongod, the generated secret and the search index live",
    ),
    (
        "JWT_SECRET",
        "",
        "at least 32 bytes; required in production, else made once and kept in DATA_DIR",
    ),
    ("JWT_SECRET_FILE", "", "a file that holds it"),
    ("JWT_TTL", "12h", "how long a token lives, in d, h, m and s"),
    (
        "JWT_AUDIENCE",
        "wardline",
        "what a token's aud must name, if it has one",
    ),
    (
        "JWT_ISSUERS",
        "",
        "comma list: whose tokens hold besides its own; without it all that the secret signs",
    ),
    (
        "REGISTRATION",
        "",
        "open or closed: whether people may register themselves; closed in production, else open",
    ),
    (
        "DIRECTORY_CONTACTS",
        "staff",
        "who gets others' phone and e-mail: staff (doctor, nurse, admin), all or none",
    ),
    (
        "NOTIFY_CONTENT_MAX",
        "",
        "the most that alerts show: none, sender or text; in production sender, else text",
    ),
    (
        "AUTO_LOGOFF",
        "30m",
        "a station that is nobody's own signs out after so long without use; or off",
    ),
    (
        "CORS_ORIGINS",
        "",
        "comma list of web origins that may call; the service's own always may",
    ),
    ("FRONTEND_URL", "", "one more allowed origin"),
    (
        "PUBLIC_HOSTS",
        "",
        "comma list of names this service goes by, for what comes straight from this machine",
    ),
    (
        "TRUSTED_PROXIES",
        "",
        "comma list of addresses or networks (IPv4 at least /8, IPv6 /16) whose X-Forwarded-… headers are believed",
    ),
    ("RATE_LIMIT", "on", "on or off (for load tests)"),
    (
        "ADMIN_USERNAME",
        "",
        "with ADMIN_PASSWORD: the first admin, made when there is none",
    ),
    ("ADMIN_PASSWORD", "", "see ADMIN_USERNAME"),
    ("ADMIN_PASSWORD_FILE", "", "a file that holds it"),
    ("RECALL_WINDOW", "2m", "how long a message may be recalled"),
    ("EDIT_WINDOW", "24h", "how long a message may be edited"),
    ("MAX_UPLOAD", "25MB", "the largest file"),
    (
        "UPLOAD_QUOTA",
        "2GB",
        "what all files of one person may take up together",
    ),
    (
        "UPLOAD_TOTAL",
        "",
        "what all files may take up together, such as 2TB; without it there is no bound",
    ),
    (
        "FILE_STORE",
        "gridfs",
        "where files are kept: gridfs, file:///folder or s3://bucket/prefix",
    ),
    ("AWS_ACCESS_KEY_ID", "", "for s3: the key"),
    ("AWS_SECRET_ACCESS_KEY", "", "for s3: its secret"),
    ("AWS_SESSION_TOKEN", "", "for s3: with temporary keys"),
    ("AWS_REGION", "", "for s3: the bucket's region"),
    (
        "AWS_ENDPOINT_URL",
        "",
        "for s3: another service that speaks it, such as MinIO",
    ),
    (
        "AWS_ALLOW_HTTP",
        "",
        "for s3: true lets that service be without TLS",
    ),
    (
        "TIME_ZONE",
        "UTC",
        "where the hospital stands, for days in statistics and searches: Asia/Shanghai",
    ),
    (
        "METRICS_TOKEN",
        "",
        "a bearer token of at least 16 bytes that opens /metrics to others than loopback",
    ),
    ("METRICS_TOKEN_FILE", "", "a file that holds it"),
    (
        "DOCS",
        "",
        "open or closed: whether /docs is there; by default only in development",
    ),
    ("WARDLINE_ENV", "development", "development or production"),
    (
        "WARDLINE_MONGOD",
        "",
        "the mongod to manage, instead of one on PATH or in .mongod/",
    ),
    (
        "LOG",
        "info",
        "error, warn, info, debug, trace or off; or part=level, such as wardline::store=debug",
    ),
    ("LOG_FORMAT", "text", "text or json"),
    ("PATH", "", "searched for a mongod"),
];

/// The variables that an S3 client reads, under its own names.
const AWS_VARIABLES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ALLOW_HTTP",
];

/// The environment in which the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// The most content of a message that an alert on a screen may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertContent {
    /// Only that there is a new message.
    Nothing,
    /// The sender and the conversation.
    Sender,
    /// The text.
    Text,
}

impl AlertContent {
    /// Returns the name in the settings and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AlertContent::Nothing => "none",
            AlertContent::Sender => "sender",
            AlertContent::Text => "text",
        }
    }
}

/// Durations that no contract lets an operator choose, but that tests need shorter.
#[derive(Debug, Clone)]
pub struct Timings {
    /// The shortest interval between two receipt counts of a group message.
    pub counts: Duration,
    /// Typing ends by itself after this time.
    pub typing: Duration,
    /// Several changes of one user's status within this time are published as one.
    pub presence_window: Duration,
    /// The interval of a node's heartbeat.
    pub heartbeat: Duration,
    /// A node without a heartbeat for this time is dead.
    pub node_death: Duration,
    /// How long a cached token is accepted without an update from the revocation feed. Only a
    /// revocation on another node can take this long to take effect; a revocation on this node
    /// takes effect at once.
    pub token_cache_ttl: Duration,
    /// An upload that receives nothing for this time is aborted.
    pub upload_stall: Duration,
    /// The interval of the sweep of unneeded files.
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
            token_cache_ttl: Duration::from_secs(1),
            upload_stall: Duration::from_secs(30),
            file_sweep: Duration::from_mins(1),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// All settings of the operator.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the operator's"
)]
pub struct Settings {
    pub host: IpAddr,
    pub port: u16,
    pub mongodb_uri: Option<String>,
    pub mongodb_db: String,
    /// Whether only the path of the address names the database.
    pub database_named_by_uri: bool,
    pub data_dir: PathBuf,
    pub jwt_secret: Option<String>,
    pub jwt_ttl: Duration,
    pub jwt_audience: String,
    pub jwt_issuers: Vec<String>,
    pub registration_open: bool,
    pub directory_contacts: ContactVisibility,
    pub notify_content_max: AlertContent,
    /// A shared station signs out after this time without use; `None` never.
    pub auto_logoff: Option<Duration>,
    /// Origins as a browser sends them: scheme, host, port.
    pub origins: Vec<String>,
    /// The names under which browsers on this machine may call the service: hosts, optionally with
    /// a port.
    pub public_hosts: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub rate_limit: bool,
    pub first_admin: Option<(String, String)>,
    pub recall_window: Duration,
    pub edit_window: Duration,
    /// Bytes.
    pub max_upload: u64,
    /// In bytes, for one user.
    pub upload_quota: u64,
    /// In bytes, for all users together; `None` without a bound.
    pub upload_total: Option<u64>,
    pub file_store: BlobLocation,
    /// The hospital's time zone and days.
    pub calendar: Arc<Calendar>,
    pub metrics_token: Option<String>,
    /// Whether the API's description is shown at `/docs`.
    pub docs_open: bool,
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
        self.values
            .get(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        default: T,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        parse(&text).unwrap_or_else(|| {
            self.problems.push(format!("{name} must be {wanted}"));
            default
        })
    }

    fn list<T>(&mut self, name: &str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let Some(text) = self.text(name) else {
            return Vec::new();
        };
        let mut list = Vec::new();
        // A list of nothing but commas would be empty, which may mean the contrary.
        if text.split(',').all(|entry| entry.trim().is_empty()) {
            self.problems
                .push(format!("{name} must be {wanted}, with at least one entry"));
        }
        for entry in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            match parse(entry) {
                Some(value) => list.push(value),
                None => self.problems.push(format!("{name} must be {wanted}")),
            }
        }
        list
    }

    fn alert_content(&mut self, environment: Environment) -> AlertContent {
        let default = match environment {
            Environment::Development => AlertContent::Text,
            Environment::Production => AlertContent::Sender,
        };
        self.parsed(
            "NOTIFY_CONTENT_MAX",
            default,
            "none, sender or text",
            |text| {
                let all = [
                    AlertContent::Nothing,
                    AlertContent::Sender,
                    AlertContent::Text,
                ];
                all.into_iter().find(|content| content.as_str() == text)
            },
        )
    }

    fn file_store(&mut self) -> BlobLocation {
        let options = AWS_VARIABLES
            .iter()
            .filter_map(|name| Some((name.to_ascii_lowercase(), self.text(name)?)));
        let options: Vec<(String, String)> = options.collect();
        let wanted = "gridfs, file:///folder or s3://bucket/prefix";
        let place = self.parsed("FILE_STORE", BlobLocation::GridFs, wanted, |text| {
            if text == "gridfs" {
                return Some(BlobLocation::GridFs);
            }
            if let Some(folder) = text.strip_prefix("file://") {
                return (folder.starts_with('/') && !folder.trim_matches('/').is_empty())
                    .then(|| BlobLocation::Folder(folder.into()));
            }
            let (bucket, prefix) = text
                .strip_prefix("s3://")
                .map(|path| path.split_once('/').unwrap_or((path, "")))?;
            let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
            (!bucket.is_empty()).then(|| BlobLocation::S3 {
                bucket,
                prefix,
                options: options.clone(),
            })
        });
        if matches!(place, BlobLocation::S3 { .. }) {
            self.check_s3();
        }
        place
    }

    fn calendar(&mut self) -> Arc<Calendar> {
        let name = self.text("TIME_ZONE").unwrap_or_else(|| "UTC".to_owned());
        Arc::new(Calendar::of(&name).unwrap_or_else(|BadTimeZone| {
            self.problems
                .push("TIME_ZONE must be a name such as Asia/Shanghai".to_owned());
            Calendar::utc()
        }))
    }
}

/// Parses how far back a command reads, in the form of the settings' durations.
///
/// # Errors
/// A text that describes the wanted form.
pub fn duration(text: &str) -> Result<Duration, String> {
    checks::duration(text)
        .ok_or_else(|| "a duration such as 24h or 7d is wanted, in d, h, m and s".to_owned())
}

impl Settings {
    /// Reads and checks the process's environment.
    ///
    /// # Errors
    /// [`BadSettings`], which names every bad variable.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_environment() -> Result<Self, BadSettings> {
        let (mut known, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, ..) in VARIABLES {
            let Some(value) = std::env::var_os(name) else {
                continue;
            };
            match value.into_string() {
                Ok(value) => drop(known.insert((*name).to_owned(), value)),
                // Only a folder's name may contain other bytes, and those folders are not searched.
                Err(value) if *name == "PATH" => {
                    drop(known.insert((*name).to_owned(), value.to_string_lossy().into_owned()));
                }
                Err(_) => problems.push(format!("{name} must be text in UTF-8")),
            }
        }
        match Self::from_values(&known) {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(BadSettings(problems)),
            Err(BadSettings(others)) => Err(BadSettings([problems, others].concat())),
        }
    }

    /// Checks the given variables.
    ///
    /// # Errors
    /// [`BadSettings`], which names every bad variable.
    pub fn from_values(values: &BTreeMap<String, String>) -> Result<Self, BadSettings> {
        let mut read = Reader {
            values,
            problems: Vec::new(),
        };
        let duration = "a duration such as 12h or 90s, in d, h, m and s";
        let environment = read.parsed(
            "WARDLINE_ENV",
            Environment::Development,
            "development or production",
            |text| match text {
                "development" => Some(Environment::Development),
                "production" => Some(Environment::Production),
                _ => None,
            },
        );
        let origin = "an origin such as https://ward.example";
        let mut origins = read.list("CORS_ORIGINS", origin, checks::origin);
        let frontend = read.list("FRONTEND_URL", origin, checks::origin);
        let mut public_hosts = read.list("PUBLIC_HOSTS", "a list of host names", checks::host);
        public_hosts.extend(
            frontend
                .iter()
                .filter_map(|origin| Some(origin.split_once("://")?.1.to_owned())),
        );
        origins.extend(frontend);
        let jwt_secret = read.jwt_secret(environment);
        let first_admin = read.first_admin();
        let metrics_token = read.metrics_token(environment);
        let mongodb_uri = read.mongodb_uri(environment);
        let (mongodb_db, database_named_by_uri) = read.mongodb_db(mongodb_uri.as_deref());
        let (max_upload, upload_quota, upload_total) = read.upload_bounds();
        let settings = Self {
            host: read.parsed(
                "HOST",
                IpAddr::from([127, 0, 0, 1]),
                "an IP address",
                |text| text.parse().ok(),
            ),
            port: read.parsed("PORT", 3000, "a port number", |text| text.parse().ok()),
            mongodb_uri,
            mongodb_db,
            database_named_by_uri,
            data_dir: read
                .text("DATA_DIR")
                .unwrap_or_else(|| "./data".to_owned())
                .into(),
            jwt_secret,
            jwt_ttl: read.parsed(
                "JWT_TTL",
                Duration::from_hours(12),
                duration,
                checks::duration,
            ),
            jwt_audience: read
                .text("JWT_AUDIENCE")
                .unwrap_or_else(|| "wardline".to_owned()),
            jwt_issuers: read.list("JWT_ISSUERS", "a list of names", |text| {
                Some(text.to_owned())
            }),
            registration_open: read.parsed(
                "REGISTRATION",
                environment == Environment::Development,
                "open or closed",
                checks::switch("open", "closed"),
            ),
            directory_contacts: read.parsed(
                "DIRECTORY_CONTACTS",
                ContactVisibility::Staff,
                "staff, all or none",
                |text| match text {
                    "staff" => Some(ContactVisibility::Staff),
                    "all" => Some(ContactVisibility::All),
                    "none" => Some(ContactVisibility::Nobody),
                    _ => None,
                },
            ),
            notify_content_max: read.alert_content(environment),
            auto_logoff: read.parsed(
                "AUTO_LOGOFF",
                Some(Duration::from_mins(30)),
                "a duration such as 30m, or off",
                |text| {
                    if text == "off" {
                        Some(None)
                    } else {
                        checks::duration(text).map(Some)
                    }
                },
            ),
            origins,
            public_hosts,
            trusted_proxies: read.trusted_proxies(),
            rate_limit: read.parsed("RATE_LIMIT", true, "on or off", checks::switch("on", "off")),
            first_admin,
            recall_window: read.parsed(
                "RECALL_WINDOW",
                Duration::from_mins(2),
                duration,
                checks::duration,
            ),
            edit_window: read.parsed(
                "EDIT_WINDOW",
                Duration::from_hours(24),
                duration,
                checks::duration,
            ),
            max_upload,
            upload_quota,
            upload_total,
            file_store: read.file_store(),
            calendar: read.calendar(),
            metrics_token,
            docs_open: read.parsed(
                "DOCS",
                environment == Environment::Development,
                "open or closed",
                checks::switch("open", "closed"),
            ),
            environment,
            mongod: read.text("WARDLINE_MONGOD").map(PathBuf::from),
            search_path: read.text("PATH").map(Into::into),
            log: read.parsed(
                "LOG",
                "info".to_owned(),
                "a level or part=level",
                checks::log_filter,
            ),
            log_format: read.parsed(
                "LOG_FORMAT",
                LogFormat::Text,
                "text or json",
                |text| match text {
                    "text" => Some(LogFormat::Text),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                },
            ),
            timings: Timings::default(),
        };
        if read.problems.is_empty() {
            Ok(settings)
        } else {
            Err(BadSettings(read.problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        Settings::from_values(
            &pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn without_any_variable_the_documented_defaults_hold() {
        let settings = read(&[]).unwrap();
        assert_eq!(
            (settings.host.to_string().as_str(), settings.port),
            ("127.0.0.1", 3000)
        );
        assert_eq!(settings.jwt_ttl, Duration::from_hours(12));
        assert_eq!(settings.max_upload, 25_000_000);
        assert_eq!(settings.upload_quota, 2_000_000_000);
        assert!(settings.file_store == BlobLocation::GridFs);
        assert!(settings.registration_open && settings.rate_limit);
        assert_eq!(settings.directory_contacts, ContactVisibility::Staff);
        assert_eq!(settings.notify_content_max, AlertContent::Text);
        assert_eq!(settings.auto_logoff, Some(Duration::from_mins(30)));
    }

    #[test]
    fn every_bad_value_is_named_at_once() {
        let BadSettings(problems) = read(&[
            ("PORT", "99999"),
            ("JWT_TTL", "soon"),
            ("JWT_SECRET", "short"),
            ("CORS_ORIGINS", "https://ok.example, *"),
            ("RATE_LIMIT", "maybe"),
            ("DIRECTORY_CONTACTS", "everybody"),
            ("NOTIFY_CONTENT_MAX", "words"),
            ("UPLOAD_TOTAL", "much"),
            ("AUTO_LOGOFF", "never"),
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
            "DIRECTORY_CONTACTS",
            "NOTIFY_CONTENT_MAX",
            "UPLOAD_TOTAL",
            "AUTO_LOGOFF",
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
        let keys = [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "a secret key"),
        ];
        let place = |text: &str| {
            read(&[&[("FILE_STORE", text)], &keys[..]].concat()).map(|settings| settings.file_store)
        };
        assert!(place("file:///srv/files") == Ok(BlobLocation::Folder("/srv/files".into())));
        let options = keys
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .to_vec();
        let bucket = BlobLocation::S3 {
            bucket: "ward".to_owned(),
            prefix: "a/b".to_owned(),
            options,
        };
        assert!(place("s3://ward/a/b/") == Ok(bucket));
        for bad in ["file://srv", "s3://", "/srv", "http://x"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn production_needs_a_secret() {
        assert!(read(&[("WARDLINE_ENV", "production")]).is_err());
        let secret = ("JWT_SECRET", "0123456789abcdef0123456789abcdef");
        let database = ("MONGODB_URI", "mongodb://db.example/?replicaSet=rs0");
        assert!(read(&[("WARDLINE_ENV", "production"), secret, database]).is_ok());
        let production = |more: &[(&str, &str)]| {
            read(&[&[("WARDLINE_ENV", "production"), secret, database], more].concat())
        };
        assert!(
            !production(&[]).unwrap().registration_open,
            "strangers are no colleagues"
        );
        assert!(
            production(&[("REGISTRATION", "open")])
                .unwrap()
                .registration_open
        );
        for weak in ["12345678", "Password", "headnurse", "short"] {
            let BadSettings(problems) =
                read(&[("ADMIN_USERNAME", "HeadNurse"), ("ADMIN_PASSWORD", weak)]).unwrap_err();
            assert!(
                problems[0].starts_with("ADMIN_PASSWORD must"),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn the_frontend_is_one_more_origin() {
        let settings = read(&[
            ("CORS_ORIGINS", "https://a.example"),
            ("FRONTEND_URL", "http://localhost:5173/"),
        ])
        .unwrap();
        assert_eq!(
            settings.origins,
            ["https://a.example", "http://localhost:5173"]
        );
    }
}
