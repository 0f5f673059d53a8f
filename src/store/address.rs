//! Parses a MongoDB address and decides its options.
//!
//! An address is the operator's, and may hold options meant for another kind of program. Options
//! that the commit path does not tolerate are overridden here, for every connection of the service,
//! or refused by name.

use std::time::Duration;

use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, ServerAddress,
    Tls, WriteConcern,
};

/// The maximum number of connections of the commit path: its lanes, their lookups, and a reserve.
const MAX_COMMIT_CONNECTIONS: u32 = 16;
/// The bounds of an address's setting for the number of connections.
const MAX_CONNECTIONS_BOUNDS: (u32, u32) = (16, 512);
/// The bounds of the server selection timeout and the connect timeout. Longer ones would delay a
/// plain refusal.
const CONNECT_TIMEOUT_BOUNDS: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(10));
/// The bounds of the interval between two health checks of a server.
const HEARTBEAT_INTERVAL_BOUNDS: (Duration, Duration) =
    (Duration::from_millis(500), Duration::from_secs(10));

/// Why an address cannot be used. The text never contains the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("MONGODB_URI cannot be used: {0}")]
pub struct BadAddress(pub String);

/// An address whose options are decided.
#[derive(Debug, Clone)]
pub struct Address {
    /// For everything except the commit path.
    pub(super) reading: ClientOptions,
    pub(super) committing: ClientOptions,
}

/// Returns the maximum number of connections for everything else: enough to keep mongod busy, not
/// so many that a commit shares its processors with a hundred calls.
fn max_read_connections() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores.saturating_mul(8))
        .unwrap_or(64)
        .clamp(16, 64)
}

/// Returns the part of an address that must not be shown.
fn password_in_uri(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let (user_info, _) = rest.rsplit_once('@')?;
    user_info
        .split_once(':')
        .map(|(_, password)| password)
        .filter(|password| !password.is_empty())
}

/// Refuses options that no override can correct.
fn check_options(options: &ClientOptions) -> Result<(), BadAddress> {
    if options.load_balanced == Some(true) {
        return Err(BadAddress(
            "loadBalanced=true hides the replica set that commits need".to_owned(),
        ));
    }
    if let Some(Tls::Enabled(tls)) = &options.tls {
        for (name, file) in [
            ("tlsCAFile", &tls.ca_file_path),
            ("tlsCertificateKeyFile", &tls.cert_key_file_path),
        ] {
            if let Some(file) = file
                && let Err(error) = check_readable(file)
            {
                let name = format!(
                    "{name} names {}, which cannot be read: {error}",
                    file.display()
                );
                return Err(BadAddress(name));
            }
        }
        if tls.allow_invalid_certificates == Some(true) {
            tracing::warn!(
                "MONGODB_URI lets anybody pass for MongoDB (tlsInsecure, tlsAllowInvalidCertificates)"
            );
        }
    }
    Ok(())
}

/// Checks that a file is readable. A file that is not a regular one might never answer.
fn check_readable(file: &std::path::Path) -> std::io::Result<()> {
    if !std::fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    std::fs::File::open(file).map(drop)
}

/// Rewords the driver's message about an option. For an option that it knows but was built without,
/// the message suggests that same option, or names build flags that an operator does not have.
fn reword_option_error(driver_message: String) -> String {
    let likened =
        driver_message.split_once(" is an invalid option. An option with a similar name exists: ");
    let likened = likened
        .filter(|(option, alike)| option.ends_with(alike))
        .map(|(option, _)| option);
    let flagged = driver_message
        .split_once(" may not be specified without the ")
        .map(|(option, _)| option);
    let Some(option) = likened
        .or(flagged)
        .and_then(|before| before.rsplit(' ').next())
    else {
        return driver_message;
    };
    let why = match option.to_ascii_lowercase().as_str() {
        "compressors" | "zlibcompressionlevel" => {
            "asks for compression, of which this program knows no kind"
        }
        _ => "is an option that this program does not support",
    };
    format!("{option} {why}: leave it out")
}

fn clamp_or_default<T: Ord>(value: Option<T>, default: T, (least, most): (T, T)) -> T {
    value.map_or(default, |value| value.clamp(least, most))
}

impl Address {
    /// Parses an address and decides its options.
    ///
    /// # Errors
    /// When it cannot be parsed or resolved, or has an option that is refused.
    pub async fn parse(uri: &str) -> Result<Self, BadAddress> {
        let mut reading = ClientOptions::parse(uri).await.map_err(|error| {
            let driver_message = super::failure::driver_message(&error).map(reword_option_error);
            let driver_message = driver_message.unwrap_or_else(|| "it cannot be read".to_owned());
            BadAddress(match password_in_uri(uri) {
                Some(secret) => driver_message.replace(secret, "…"),
                None => driver_message,
            })
        })?;
        check_options(&reading)?;
        // The primary is found wherever it is, also after a failover.
        reading.direct_connection = Some(false);
        reading.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        reading.read_concern = Some(ReadConcern::majority());
        reading.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .build(),
        );
        (reading.retry_reads, reading.retry_writes) = (Some(true), Some(true));
        reading.server_selection_timeout = Some(clamp_or_default(
            reading.server_selection_timeout,
            Duration::from_secs(3),
            CONNECT_TIMEOUT_BOUNDS,
        ));
        reading.connect_timeout = Some(clamp_or_default(
            reading.connect_timeout,
            Duration::from_secs(3),
            CONNECT_TIMEOUT_BOUNDS,
        ));
        reading.heartbeat_freq = Some(clamp_or_default(
            reading.heartbeat_freq,
            Duration::from_secs(2),
            HEARTBEAT_INTERVAL_BOUNDS,
        ));
        // Zero means no limit.
        let most = reading.max_pool_size.filter(|most| *most > 0);
        let most = clamp_or_default(most, max_read_connections(), MAX_CONNECTIONS_BOUNDS);
        reading.max_pool_size = Some(most);
        reading.min_pool_size = Some(clamp_or_default(reading.min_pool_size, 4, (0, most)));
        reading.max_connecting = None;
        // Another program may have used our address; the name that identifies orphaned transactions
        // is set here.
        let mut committing = reading.clone();
        reading.app_name = Some("wardline".to_owned());
        committing.app_name = Some(super::commit::connection_name());
        committing.max_pool_size = Some(MAX_COMMIT_CONNECTIONS);
        committing.min_pool_size = Some(2);
        Ok(Self {
            reading,
            committing,
        })
    }

    /// Returns the servers it names, without user and password.
    #[must_use]
    pub fn servers(&self) -> String {
        let names: Vec<String> = self.reading.hosts.iter().map(ToString::to_string).collect();
        names.join(", ")
    }

    /// Returns the database user that it names.
    #[must_use]
    pub fn user(&self) -> &str {
        let credential = self.reading.credential.as_ref();
        credential
            .and_then(|credential| credential.username.as_deref())
            .unwrap_or("(none)")
    }

    pub(super) fn replica_set(&self) -> Option<&str> {
        self.reading.repl_set_name.as_deref()
    }

    /// Returns options for checking one server alone, without signing in.
    pub(super) fn options_for_server(&self, server: &ServerAddress) -> ClientOptions {
        let mut one = self.reading.clone();
        one.hosts = vec![server.clone()];
        one.direct_connection = Some(true);
        (one.credential, one.repl_set_name) = (None, None);
        (one.min_pool_size, one.max_pool_size) = (Some(0), Some(1));
        one.server_selection_timeout = Some(Duration::from_secs(2));
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parsed(query: &str) -> Address {
        Address::parse(&format!("mongodb://a.example:1,b.example:2/{query}"))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_an_address_says_against_the_commit_path_does_not_count_for_either_client() {
        let plain = parsed("?replicaSet=rs0").await;
        for query in [
            "readPreference=secondary",
            "readPreference=secondaryPreferred&maxStalenessSeconds=120",
            "readConcernLevel=local",
            "w=0",
            "w=1&journal=false",
            "w=2&wtimeoutMS=1",
            "retryWrites=false&retryReads=false",
            "appName=wardline-commits-0",
            "maxPoolSize=1&minPoolSize=1",
            "serverSelectionTimeoutMS=1&connectTimeoutMS=1&heartbeatFrequencyMS=600000",
            "serverSelectionTimeoutMS=600000&connectTimeoutMS=600000",
        ] {
            let address = parsed(&format!("?replicaSet=rs0&{query}")).await;
            for (ours, usual) in [
                (&address.reading, &plain.reading),
                (&address.committing, &plain.committing),
            ] {
                assert_eq!(ours.selection_criteria, usual.selection_criteria, "{query}");
                assert_eq!(ours.read_concern, usual.read_concern, "{query}");
                assert_eq!(ours.write_concern, usual.write_concern, "{query}");
                assert_eq!(
                    (ours.retry_reads, ours.retry_writes),
                    (Some(true), Some(true)),
                    "{query}"
                );
                assert_eq!(ours.direct_connection, Some(false), "{query}");
                assert!(
                    ours.max_pool_size >= Some(16) && ours.min_pool_size <= ours.max_pool_size,
                    "{query}"
                );
                assert!(
                    ours.server_selection_timeout >= Some(CONNECT_TIMEOUT_BOUNDS.0),
                    "{query}"
                );
                assert!(
                    ours.server_selection_timeout <= Some(CONNECT_TIMEOUT_BOUNDS.1),
                    "{query}"
                );
                assert!(
                    ours.connect_timeout >= Some(CONNECT_TIMEOUT_BOUNDS.0)
                        && ours.heartbeat_freq <= Some(HEARTBEAT_INTERVAL_BOUNDS.1)
                );
            }
            assert_eq!(address.reading.app_name.as_deref(), Some("wardline"));
            assert_ne!(
                address.committing.app_name.as_deref(),
                Some("wardline-commits-0")
            );
        }
        let direct = Address::parse("mongodb://a.example:1/?directConnection=true")
            .await
            .unwrap();
        assert_eq!(direct.committing.direct_connection, Some(false));
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_by_name_without_the_password() {
        for (uri, name) in [
            (
                "mongodb://u:s3cr3t@a.example/?loadBalanced=true",
                "loadBalanced",
            ),
            (
                "mongodb://u:s3cr3t@a.example/?tls=true&tlsCAFile=/nowhere/ca.pem",
                "tlsCAFile",
            ),
            ("mongodb://u:s3cr3t@a.example/?timeoutMS=1", "timeoutms"),
            ("mongodb://u:s3cr3t@a.example/?journal=perhaps", "journal"),
            (
                "mongodb://u:s3cr3t@a.example/?compressors=zlib",
                "compressors asks for compression",
            ),
            (
                "mongodb://u:s3cr3t@a.example/?compressors=snappy,zstd",
                "knows no kind: leave it out",
            ),
            (
                "mongodb://u:s3cr3t@a.example/?zlibCompressionLevel=5",
                "zlibCompressionLevel asks for compression",
            ),
            (
                "mongodb://u:s3cr3t@a.example/?journel=true",
                "similar name exists: journal",
            ),
            (
                "mongodb://u:s3cr3t@a.example/?tls=true&tlsCAFile=/dev/zero",
                "it is no regular file",
            ),
            ("mongodb://u:s3cr3t@a.example:port/", "port"),
            ("mongodb://u:s3c/r3t@a.example/", ""),
        ] {
            let BadAddress(driver_message) = Address::parse(uri).await.unwrap_err();
            assert!(
                driver_message.contains(name) && !driver_message.contains("s3c"),
                "{uri}: {driver_message}"
            );
        }
    }
}
