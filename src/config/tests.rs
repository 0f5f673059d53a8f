//! Rules over several settings, and over all of them.

use std::collections::BTreeSet;

use super::{
    forms::{duration, origin},
    messages::AlertContent,
    section::to_values,
    *,
};
use crate::domain::{file::BlobLocation, user::ContactVisibility};

fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
    Settings::from_values(&to_values(pairs), &[])
}

fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
    read(pairs).err().map(|bad| bad.0).unwrap_or_default()
}

#[test]
fn each_section_declares_the_variables_that_it_reads() {
    let further = [SectionEntry::of::<listeners::ListenerSettings>()];
    let values = BTreeMap::new();
    let mut reader = Reader::new(&values);
    let mut seen = BTreeSet::new();
    for section in all_sections(&further) {
        assert!((section.read)(&mut reader).is_some(), "{}", section.title);
        let declared: BTreeSet<&str> = section.variables.iter().map(|v| v.name).collect();
        let mut asked = reader.take_asked();
        if section.title == listeners::ListenerSettings::TITLE {
            // The main listener is one of the list.
            assert!(asked.remove("HOST") && asked.remove("PORT"));
        }
        assert_eq!(asked, declared, "{}", section.title);
        assert_eq!(declared.len(), section.variables.len());
        for name in declared {
            assert!(seen.insert(name), "{name} is in two sections");
        }
    }
}

#[derive(Debug, PartialEq)]
struct WardSettings {
    beds: u16,
}

const BEDS: Setting<u16> = Setting {
    variable: Variable {
        name: "BEDS",
        default: "12",
        form: "a number of beds",
        meaning: "how many there are",
    },
    parse: |text| text.parse().ok(),
};

impl Section for WardSettings {
    const TITLE: &'static str = "Ward";
    const VARIABLES: &'static [Variable] = &[BEDS.variable];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            beds: reader.value(&BEDS)?,
        })
    }
}

#[test]
fn a_gateway_adds_a_section() {
    let sections = [SectionEntry::of::<WardSettings>()];
    let of = |pairs: &[(&str, &str)]| Settings::from_values(&to_values(pairs), &sections);
    let settings = of(&[("BEDS", "20")]).unwrap();
    assert_eq!(settings.section(), Some(&WardSettings { beds: 20 }));
    let BadSettings(named) = of(&[("BEDS", "many"), ("PORT", "x")]).unwrap_err();
    assert_eq!(
        named,
        [
            "PORT must be a port number",
            "BEDS must be a number of beds"
        ]
    );
    assert_eq!(read(&[]).unwrap().section::<WardSettings>(), None);
    let page = to_markdown(&sections);
    let row = "\n## Ward\n\n| Variable | Default | Form | Meaning |\n|---|---|---|---|\n\
               | `BEDS` | `12` | a number of beds | how many there are |\n";
    assert!(page.ends_with(row), "{page}");
}

#[test]
fn without_any_variable_the_documented_defaults_hold() {
    let settings = read(&[]).unwrap();
    assert_eq!(
        (
            settings.listen.host.to_string().as_str(),
            settings.listen.port
        ),
        ("127.0.0.1", 3000)
    );
    assert_eq!(settings.auth.jwt_ttl, Duration::from_hours(12));
    assert_eq!(settings.files.max_upload, 25_000_000);
    assert_eq!(settings.files.upload_quota, 2_000_000_000);
    assert!(settings.files.store == BlobLocation::GridFs);
    assert!(settings.auth.registration_open && settings.limits.rate_limit);
    assert_eq!(settings.people.directory_contacts, ContactVisibility::Staff);
    assert_eq!(settings.messages.notify_content_max, AlertContent::Text);
    assert_eq!(settings.auth.auto_logoff, Some(Duration::from_mins(30)));
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
        read(&[&[("FILE_STORE", text)], &keys[..]].concat()).map(|settings| settings.files.store)
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
        !production(&[]).unwrap().auth.registration_open,
        "strangers are no colleagues"
    );
    assert!(
        production(&[("REGISTRATION", "open")])
            .unwrap()
            .auth
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
    let log = |text: &str| read(&[("LOG", text)]).unwrap().telemetry.log;
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
    assert!(problems(&[env, uri, good, ("METRICS_TOKEN", &pattern)])[0].contains("METRICS_TOKEN"));
    assert!(read(&[("JWT_SECRET", &pattern)]).is_ok(), "development may");
    let named = problems(&[env, good]);
    assert!(
        named[0].contains("MONGODB_URI") && named[0].contains("MANAGED_MONGOD"),
        "{named:?}"
    );
    assert!(read(&[env, good, ("MANAGED_MONGOD", "allow")]).is_ok());
    let settings = read(&[env, uri, good]).unwrap();
    assert!(!settings.listen.docs_open && read(&[]).unwrap().listen.docs_open);
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
        read(&[("JWT_ISSUERS", "a,, b,")]).unwrap().auth.jwt_issuers,
        ["a", "b"]
    );
}

#[test]
fn the_path_of_the_address_names_the_database() {
    let of = |uri: &str, pairs: &[(&str, &str)]| {
        read(&[&[("MONGODB_URI", uri)], pairs].concat())
            .map(|s| (s.database.name, s.database.is_named_by_uri))
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
    assert!(of("mongodb://h/ho%20spital", &[]).is_err() && of("mongodb://h/local", &[]).is_err());
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
