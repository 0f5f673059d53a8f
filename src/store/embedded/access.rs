//! Access control of the managed mongod: only users who can read the service's own files have
//! access.
//!
//! Every process of the machine can reach its port. It therefore runs with access control from its
//! first start. A key file authenticates mongod's own internal user, and that user creates one
//! account, whose password is in the data directory. MongoDB's exception for the first account from
//! the same machine is switched off: between mongod's start and the creation of that account it
//! would grant access to every process.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use mongodb::{
    Client, Database,
    bson::doc,
    error::{Error as MongoError, ErrorKind},
    options::{AuthMechanism, ClientOptions, Credential, ServerAddress},
};

use super::{EmbeddedError, io_error};

/// The account of the service.
const SERVICE_USER: &str = "wardline";
const PASSWORD_FILE: &str = "mongodb.password";
const KEY_FILE: &str = "wardline.key";
/// The length of a secret in hexadecimal digits.
const SECRET_HEX_DIGITS: usize = 64;

/// The credentials of the managed mongod.
pub(super) struct AccessControl {
    pub key_file: PathBuf,
    key: String,
    password: String,
}

// Secrets never reach the logs.
impl std::fmt::Debug for AccessControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

impl AccessControl {
    /// Reads the secrets of a data directory, and creates missing ones.
    pub fn open(data_dir: &Path, dbpath: &Path) -> Result<Self, EmbeddedError> {
        let key_file = dbpath.join(KEY_FILE);
        Ok(Self {
            key: find_or_create(&key_file)?,
            password: find_or_create(&data_dir.join(PASSWORD_FILE))?,
            key_file,
        })
    }

    /// Returns options for mongod's internal user, who authenticates with the content of the key
    /// file.
    pub fn internal_user_options(&self, port: u16) -> ClientOptions {
        client_options(port, "__system", "local", &self.key)
    }

    /// Creates the service's account, or sets its password to that of the data directory.
    pub async fn ensure_account(&self, admin: &Database, port: u16) -> Result<(), MongoError> {
        let own =
            Client::with_options(client_options(port, SERVICE_USER, "admin", &self.password))?;
        let greeted = own.database("admin").run_command(doc! { "ping": 1 }).await;
        own.shutdown().immediate(true).await;
        match greeted {
            Err(error) if matches!(&*error.kind, ErrorKind::Authentication { .. }) => {}
            greeted => return greeted.map(drop),
        }
        let known = admin
            .run_command(doc! { "usersInfo": SERVICE_USER })
            .await?;
        let verb = if known
            .get_array("users")
            .is_ok_and(|users| !users.is_empty())
        {
            "updateUser"
        } else {
            "createUser"
        };
        let change = doc! {
            verb: SERVICE_USER,
            "pwd": &self.password,
            "roles": ["root"],
            "mechanisms": ["SCRAM-SHA-256"],
        };
        admin.run_command(change).await.map(drop)
    }
}

fn client_options(port: u16, user: &str, source: &str, password: &str) -> ClientOptions {
    let address = ServerAddress::Tcp {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
    };
    let credential = Credential::builder()
        .username(user.to_owned())
        .source(source.to_owned())
        .password(password.to_owned())
        .mechanism(AuthMechanism::ScramSha256)
        .build();
    let options = ClientOptions::builder()
        .hosts(vec![address])
        .direct_connection(true)
        .credential(credential);
    options
        .server_selection_timeout(Duration::from_secs(2))
        .build()
}

/// Returns the connection string of the managed mongod on a port, with the password of its data
/// directory.
pub(super) fn connection_uri(data_dir: &Path, port: u16, set: &str) -> Option<String> {
    let password = read_secret(&data_dir.join(PASSWORD_FILE))?;
    Some(format!(
        "mongodb://{SERVICE_USER}:{password}@127.0.0.1:{port}/?replicaSet={set}&authSource=admin"
    ))
}

fn read_secret(path: &Path) -> Option<String> {
    let secret = fs::read_to_string(path).ok()?;
    let secret = secret.trim();
    (secret.len() >= SECRET_HEX_DIGITS && secret.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| secret.to_owned())
}

fn find_or_create(path: &Path) -> Result<String, EmbeddedError> {
    if let Some(secret) = read_secret(path) {
        fs::set_permissions(path, Permissions::from_mode(0o600))
            .map_err(io_error("protect", path))?;
        return Ok(secret);
    }
    write_secret(path).map_err(io_error("write", path))
}

/// Writes a draft and renames it: a crash leaves no partial secret.
fn write_secret(path: &Path) -> io::Result<String> {
    let secret = format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    );
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Ok(secret)
}
