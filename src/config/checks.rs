//! The form of a single value, and the rules for several together. A value that would silently be
//! read as something else is a named problem.

use std::{collections::BTreeSet, time::Duration};

use super::{Environment, Reader, secret_file::read_secret_file};

/// A secret with fewer different bytes is a pattern.
const MIN_DISTINCT_BYTES: usize = 8;
/// A longer duration is a typing error.
const MAX_DURATION: Duration = Duration::from_hours(24 * 366 * 10);

/// Returns an origin as a browser sends it: any scheme with a host, without the default port.
pub(super) fn origin(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let mut letters = scheme.bytes();
    let is_scheme = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    // A page from a file has no origin that distinguishes it from another page.
    if !is_scheme || scheme == "file" || !is_authority(authority) {
        return None;
    }
    let usual = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        _ => return Some(text),
    };
    Some(text.strip_suffix(usual).unwrap_or(&text).to_owned())
}

/// Whether a text is a host's name or address, optionally with a port. Letters outside of ASCII
/// never occur in a header.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (
                "v6",
                rest.strip_prefix(':')
                    .or_else(|| rest.is_empty().then_some("1")),
            ),
            _ => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("1")),
        },
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    !host.is_empty() && host.bytes().all(is_name) && port.is_some_and(is_port)
}

/// Returns a host name of this service, optionally with a port.
pub(super) fn host(text: &str) -> Option<String> {
    is_authority(text).then(|| text.to_ascii_lowercase())
}

/// Parses a number of bytes, at least one.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let upper = text.to_ascii_uppercase();
    let (number, unit) = [
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
        ("", 1),
    ]
    .into_iter()
    .find_map(|(suffix, unit)| upper.strip_suffix(suffix).map(|number| (number, unit)))?;
    let bytes = number.trim().parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=1 << 50).contains(&bytes).then_some(bytes)
}

/// Parses a duration of at least a second. Months and years have no fixed length, and `M` would be
/// read as months where a minute is meant.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut units = text.split(|c: char| !c.is_alphabetic());
    if units.any(|unit| unit.starts_with(['M', 'y', 'Y']) || unit.starts_with("month")) {
        return None;
    }
    humantime::parse_duration(text)
        .ok()
        .filter(|time| (Duration::from_secs(1)..=MAX_DURATION).contains(time))
}

/// Returns a valid name for the service's database.
pub(super) fn database(text: &str) -> Option<String> {
    let is_name = (1..=38).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (is_name && !["admin", "local", "config"].contains(&text.to_ascii_lowercase().as_str()))
        .then(|| text.to_owned())
}

/// Returns the database that the path of an address names. Returns `None` for `admin`, which names
/// the database of the account.
pub(super) fn database_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let before_options = rest.split('?').next()?;
    let (_, path) = before_options.rsplit_once('/')?;
    (!path.is_empty() && path != "admin").then_some(path)
}

/// Returns the log filter: levels, for all or for a part of the program. A word that is no level
/// would be read as a part's name and silence everything. A filter that names only parts still lets
/// errors through.
pub(super) fn log_filter(text: &str) -> Option<String> {
    let is_level = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["error", "warn", "info", "debug", "trace", "off"].contains(&word.as_str())
    };
    let is_part = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-'))
    };
    let mut for_all = false;
    if text.split(',').all(|directive| directive.trim().is_empty()) {
        return None;
    }
    for directive in text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
    {
        match directive.rsplit_once('=') {
            None if is_level(directive) => for_all = true,
            Some((part, level)) if is_part(part) && is_level(level) => {}
            _ => return None,
        }
    }
    Some(if for_all {
        text.to_owned()
    } else {
        format!("error,{text}")
    })
}

pub(super) fn switch(on: &'static str, off: &'static str) -> impl Fn(&str) -> Option<bool> {
    move |text| {
        if text == on {
            Some(true)
        } else {
            (text == off).then_some(false)
        }
    }
}

fn is_pattern(secret: &str) -> bool {
    secret.bytes().collect::<BTreeSet<u8>>().len() < MIN_DISTINCT_BYTES
}

impl Reader<'_> {
    /// Returns a secret from its variable, or from the file that `NAME_FILE` names. It is
    /// unchanged, including blanks.
    pub(super) fn secret_text(&mut self, name: &str) -> Option<String> {
        let given = self
            .values
            .get(name)
            .filter(|value| !value.trim().is_empty())
            .cloned();
        let in_file = format!("{name}_FILE");
        let Some(path) = self.text(&in_file) else {
            return given;
        };
        if given.is_some() {
            self.problems
                .push(format!("{name} and {in_file} exclude each other"));
            return given;
        }
        match read_secret_file(&path) {
            Ok(secret) => Some(secret),
            Err(why) => {
                self.problems.push(format!(
                    "{in_file} names {path}, which cannot be used: {why}"
                ));
                None
            }
        }
    }

    /// Whether one of the problems concerns this variable or its file.
    fn has_problem(&self, name: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.starts_with(name))
    }

    fn check_pattern(&mut self, name: &str, secret: Option<&String>, environment: Environment) {
        if environment == Environment::Production && secret.is_some_and(|secret| is_pattern(secret))
        {
            self.problems.push(format!(
                "{name} must have at least {MIN_DISTINCT_BYTES} different bytes"
            ));
        }
    }

    pub(super) fn jwt_secret(&mut self, environment: Environment) -> Option<String> {
        let secret = self
            .secret_text("JWT_SECRET")
            .map(|secret| secret.trim().to_owned());
        match (&secret, environment) {
            (Some(secret), _) if secret.len() < 32 => {
                self.problems
                    .push("JWT_SECRET must have at least 32 bytes".to_owned());
            }
            (None, Environment::Production) if !self.has_problem("JWT_SECRET") => {
                self.problems
                    .push("JWT_SECRET is required in production".to_owned());
            }
            _ => {}
        }
        self.check_pattern("JWT_SECRET", secret.as_ref(), environment);
        secret
    }

    pub(super) fn metrics_token(&mut self, environment: Environment) -> Option<String> {
        let token = self
            .secret_text("METRICS_TOKEN")
            .map(|token| token.trim().to_owned());
        if token.as_ref().is_some_and(|token| token.len() < 16) {
            self.problems
                .push("METRICS_TOKEN must have at least 16 bytes".to_owned());
        }
        self.check_pattern("METRICS_TOKEN", token.as_ref(), environment);
        token
    }

    pub(super) fn first_admin(&mut self) -> Option<(String, String)> {
        match (
            self.text("ADMIN_USERNAME"),
            self.secret_text("ADMIN_PASSWORD"),
        ) {
            (Some(name), Some(password)) => {
                if !crate::domain::user::is_valid_username(&name) {
                    self.problems
                        .push("ADMIN_USERNAME must be 3 to 32 letters, digits, . _ -".to_owned());
                }
                if let Some(problem) =
                    crate::domain::password::find_problem(&password, &name, &name)
                {
                    self.problems
                        .push(format!("ADMIN_PASSWORD {}", problem.text));
                }
                Some((name, password))
            }
            (None, None) => None,
            _ if self.has_problem("ADMIN_PASSWORD_FILE") => None,
            _ => {
                self.problems
                    .push("ADMIN_USERNAME and ADMIN_PASSWORD go together".to_owned());
                None
            }
        }
    }

    /// Returns the address of MongoDB. Without one the service manages its own mongod, which is for
    /// development.
    pub(super) fn mongodb_uri(&mut self, environment: Environment) -> Option<String> {
        let may_manage = self.parsed("MANAGED_MONGOD", false, "allow, or not set", |text| {
            (text == "allow").then_some(true)
        });
        let uri = self
            .secret_text("MONGODB_URI")
            .map(|uri| uri.trim().to_owned());
        match &uri {
            Some(uri) if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") => {
                self.problems
                    .push("MONGODB_URI must be a mongodb:// address".to_owned());
            }
            None if environment == Environment::Production
                && !may_manage
                && !self.has_problem("MONGODB_URI")
                && !self.has_problem("MANAGED_MONGOD") =>
            {
                self.problems.push(
                    "MONGODB_URI is required in production; MANAGED_MONGOD=allow lets the service manage a \
                     mongod of its own all the same"
                        .to_owned(),
                );
            }
            _ => {}
        }
        uri
    }

    /// Returns the database's name, and whether only the address named it.
    pub(super) fn mongodb_db(&mut self, uri: Option<&str>) -> (String, bool) {
        let wanted =
            "a database name: at most 38 letters, digits, _ and -, and none of MongoDB's own";
        let named = self.parsed("MONGODB_DB", None, wanted, |text| database(text).map(Some));
        let by_address = uri.and_then(database_of);
        if let Some(path) = by_address
            && database(path).is_none()
        {
            self.problems
                .push(format!("MONGODB_URI must name {wanted}"));
            return ("wardline".to_owned(), false);
        }
        match (named, by_address) {
            (Some(named), Some(path)) if named != path => {
                self.problems.push(format!(
                    "MONGODB_DB is {named}, but MONGODB_URI names the database {path}: they must agree"
                ));
                (named, false)
            }
            (Some(named), _) => (named, false),
            (None, Some(path)) => (path.to_owned(), path != "wardline"),
            (None, None) => ("wardline".to_owned(), false),
        }
    }

    /// Returns the largest file, the quota of one user, and the quota of all users together.
    pub(super) fn upload_bounds(&mut self) -> (u64, u64, Option<u64>) {
        let largest = self.parsed("MAX_UPLOAD", 25_000_000, "a size such as 25MB", bytes);
        let quota = self.parsed("UPLOAD_QUOTA", 2_000_000_000, "a size such as 2GB", bytes);
        if quota < largest && !self.has_problem("MAX_UPLOAD") && !self.has_problem("UPLOAD_QUOTA") {
            self.problems
                .push("UPLOAD_QUOTA must not be less than MAX_UPLOAD".to_owned());
        }
        let total = self.parsed("UPLOAD_TOTAL", None, "a size such as 2TB", |text| {
            bytes(text).map(Some)
        });
        if total.is_some_and(|total| total < largest) && !self.has_problem("MAX_UPLOAD") {
            self.problems
                .push("UPLOAD_TOTAL must not be less than MAX_UPLOAD".to_owned());
        }
        (largest, quota, total)
    }

    /// Checks the variables that an S3 client requires.
    pub(super) fn check_s3(&mut self) {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            match self.text(name) {
                None => self
                    .problems
                    .push(format!("{name} is required with FILE_STORE=s3://…")),
                Some(key) if key.len() < 3 || (name.contains("SECRET") && key.len() < 8) => {
                    self.problems.push(format!("{name} is too short for a key"));
                }
                Some(_) => {}
            }
        }
        if let Some(endpoint) = self.text("AWS_ENDPOINT_URL")
            && !endpoint.starts_with("https://")
            && !endpoint.starts_with("http://")
        {
            self.problems
                .push("AWS_ENDPOINT_URL must be an http:// or https:// address".to_owned());
        }
        self.parsed(
            "AWS_ALLOW_HTTP",
            false,
            "true or false",
            switch("true", "false"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{BadSettings, Settings},
        *,
    };

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        Settings::from_values(
            &pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        read(pairs).err().map(|bad| bad.0).unwrap_or_default()
    }

    #[test]
    fn every_wrong_value_is_named_alone_and_together() {
        let wrong = [
            ("HOST", "localhost"),
            ("PORT", "3000x"),
            ("MONGODB_URI", "postgres://x"),
            ("MONGODB_DB", "a b"),
            ("JWT_SECRET", "s"),
            ("JWT_TTL", "12"),
            ("REGISTRATION", "Open"),
            ("CORS_ORIGINS", "ward.example"),
            ("FRONTEND_URL", "https://ward.example/app"),
            ("PUBLIC_HOSTS", "https://ward.example"),
            ("TRUSTED_PROXIES", "0.0.0.0/0"),
            ("RATE_LIMIT", "false"),
            ("ADMIN_PASSWORD", "x"),
            ("RECALL_WINDOW", "1ms"),
            ("EDIT_WINDOW", "99999years"),
            ("MAX_UPLOAD", "0"),
            ("UPLOAD_QUOTA", "-1"),
            ("FILE_STORE", "/srv"),
            ("TIME_ZONE", "Shanghai"),
            ("METRICS_TOKEN", "t"),
            ("WARDLINE_ENV", "Production"),
            ("MANAGED_MONGOD", "yes"),
            ("DOCS", "on"),
            ("LOG", "verbose"),
            ("LOG_FORMAT", "yaml"),
        ];
        for (name, value) in wrong {
            let named = problems(&[(name, value)]);
            assert!(
                named.len() == 1 && named[0].contains(name),
                "{name}={value}: {named:?}"
            );
        }
        let all = problems(&wrong);
        for (name, _) in wrong {
            assert!(
                all.iter().any(|problem| problem.contains(name)),
                "{name} is missing in {all:?}"
            );
        }
        assert!(
            !all.iter().any(|problem| problem.contains("postgres")),
            "no value is shown: {all:?}"
        );
    }

    #[test]
    fn only_levels_silence_the_log() {
        for wrong in [
            "verbose",
            "wardline=loud",
            "info,warnings",
            "wardline",
            "=info",
            "info;debug",
            "[x",
        ] {
            assert!(!problems(&[("LOG", wrong)]).is_empty(), "{wrong}");
        }
        let log = |text: &str| read(&[("LOG", text)]).unwrap().log;
        assert_eq!(log("debug"), "debug");
        assert_eq!(log("INFO,hyper=off"), "INFO,hyper=off");
        assert_eq!(
            log("wardline::store=debug"),
            "error,wardline::store=debug",
            "errors are never silenced"
        );
    }

    #[test]
    fn quotas_hold_the_largest_file_and_s3_has_keys() {
        assert!(problems(&[("UPLOAD_QUOTA", "1MB")])[0].contains("UPLOAD_QUOTA"));
        assert!(problems(&[("MAX_UPLOAD", "3GB")])[0].contains("UPLOAD_QUOTA"));
        assert!(read(&[("UPLOAD_QUOTA", "1MB"), ("MAX_UPLOAD", "1MB")]).is_ok());
        assert_eq!(
            problems(&[("UPLOAD_TOTAL", "24MB")]),
            ["UPLOAD_TOTAL must not be less than MAX_UPLOAD"]
        );
        assert!(read(&[("UPLOAD_TOTAL", "25MB")]).is_ok());
        let s3 = ("FILE_STORE", "s3://ward");
        assert_eq!(problems(&[s3]).len(), 2, "both keys are named");
        let keys = [
            s3,
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "a secret key"),
        ];
        assert!(read(&keys).is_ok());
        for (name, value) in [
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_ALLOW_HTTP", "yes"),
            ("AWS_ENDPOINT_URL", "minio:9000"),
        ] {
            let named = problems(&[&keys[..], &[(name, value)]].concat());
            assert!(named.len() == 1 && named[0].contains(name), "{named:?}");
        }
    }

    #[test]
    fn production_takes_no_pattern_for_a_secret_and_no_database_of_its_own() {
        let (env, uri) = (
            ("WARDLINE_ENV", "production"),
            ("MONGODB_URI", "mongodb://db.example/"),
        );
        let good = ("JWT_SECRET", "0123456789abcdef0123456789abcdef");
        assert!(read(&[env, uri, good]).is_ok());
        let pattern = "abcdefg".repeat(5);
        assert!(problems(&[env, uri, ("JWT_SECRET", &pattern)])[0].contains("JWT_SECRET"));
        assert!(
            problems(&[env, uri, good, ("METRICS_TOKEN", &pattern)])[0].contains("METRICS_TOKEN")
        );
        assert!(read(&[("JWT_SECRET", &pattern)]).is_ok(), "development may");
        let named = problems(&[env, good]);
        assert!(
            named[0].contains("MONGODB_URI") && named[0].contains("MANAGED_MONGOD"),
            "{named:?}"
        );
        assert!(read(&[env, good, ("MANAGED_MONGOD", "allow")]).is_ok());
        let settings = read(&[env, uri, good]).unwrap();
        assert!(!settings.docs_open && read(&[]).unwrap().docs_open);
    }

    #[test]
    fn a_time_is_never_a_month() {
        for name in ["JWT_TTL", "RECALL_WINDOW", "EDIT_WINDOW", "AUTO_LOGOFF"] {
            for value in ["1M", "1h 1M", "2months", "1month", "1y", "1Y", "1year"] {
                let named = problems(&[(name, value)]);
                assert!(
                    named.len() == 1 && named[0].starts_with(name),
                    "{name}={value}: {named:?}"
                );
            }
        }
        for (text, seconds) in [
            ("1m", 60),
            ("90s", 90),
            ("1h 30min", 5_400),
            ("2 minutes", 120),
            ("1d", 86_400),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_list_has_an_entry() {
        for name in [
            "JWT_ISSUERS",
            "CORS_ORIGINS",
            "FRONTEND_URL",
            "PUBLIC_HOSTS",
            "TRUSTED_PROXIES",
            "LOG",
        ] {
            for value in [",", " , ,, "] {
                let named = problems(&[(name, value)]);
                assert!(
                    named.len() == 1 && named[0].starts_with(name),
                    "{name}={value}: {named:?}"
                );
            }
        }
        assert_eq!(
            read(&[("JWT_ISSUERS", "a,, b,")]).unwrap().jwt_issuers,
            ["a", "b"]
        );
    }

    #[test]
    fn the_path_of_the_address_names_the_database() {
        let of = |uri: &str, pairs: &[(&str, &str)]| {
            read(&[&[("MONGODB_URI", uri)], pairs].concat())
                .map(|s| (s.mongodb_db, s.database_named_by_uri))
        };
        let name = |uri: &str| of(uri, &[]).unwrap();
        assert_eq!(
            name("mongodb://svc:pw@h/hospital?replicaSet=rs0"),
            ("hospital".to_owned(), true)
        );
        assert_eq!(
            name("mongodb+srv://h.example/hospital"),
            ("hospital".to_owned(), true)
        );
        for plain in [
            "mongodb://h",
            "mongodb://h/",
            "mongodb://h/?w=1",
            "mongodb://h/admin?authSource=x/y",
        ] {
            assert_eq!(name(plain), ("wardline".to_owned(), false), "{plain}");
        }
        assert_eq!(name("mongodb://h/wardline"), ("wardline".to_owned(), false));
        let other = [("MONGODB_DB", "ward")];
        assert_eq!(
            of("mongodb://h/admin", &other).unwrap(),
            ("ward".to_owned(), false)
        );
        assert_eq!(
            of("mongodb://h/ward", &other).unwrap(),
            ("ward".to_owned(), false)
        );
        let BadSettings(named) = of("mongodb://h/hospital", &other).unwrap_err();
        assert!(
            named[0].contains("ward") && named[0].contains("hospital"),
            "{named:?}"
        );
        assert!(
            of("mongodb://h/ho%20spital", &[]).is_err() && of("mongodb://h/local", &[]).is_err()
        );
    }

    #[test]
    fn any_scheme_with_a_host_is_an_origin() {
        for (text, wanted) in [
            ("capacitor://localhost", "capacitor://localhost"),
            ("https://Ward.Example:443/", "https://ward.example"),
            ("http://ward.example:80", "http://ward.example"),
            ("https://ward.example:8443", "https://ward.example:8443"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("ionic+app://x", "ionic+app://x"),
        ] {
            assert_eq!(origin(text).as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "null",
            "file://",
            "file://x",
            "*",
            "https://*",
            "https://",
            "https://a/b",
            "https://u@a",
            "https://a b",
            "ward.example",
            "https://病房.example",
            "https://a:99999",
            "https://a:",
            "1x://a",
            "https://[::g]",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
