//! Secrets in files.

use std::{
    fs::{self, File},
    io::Read,
};

/// The longest file of a secret, bytes.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1024;

/// Reads a secret from a file, without the line's end. Only a regular file is read: another kind
/// may never end. A file in `/proc` reports no length.
pub(super) fn read_secret_file(path: &str) -> Result<String, String> {
    if !fs::metadata(path)
        .map_err(|error| error.to_string())?
        .is_file()
    {
        return Err("it is no regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_SECRET_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_SECRET_FILE_BYTES {
        return Err("it is too long for a secret".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| {
        line.strip_suffix('\r').unwrap_or(line)
    });
    if line.trim().is_empty() {
        Err("it is empty".to_owned())
    } else {
        Ok(line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{BadSettings, Settings, section::to_values};

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        Settings::from_values(&to_values(pairs), &[])
    }

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        read(pairs).err().map(|bad| bad.0).unwrap_or_default()
    }

    #[test]
    fn secrets_may_lie_in_files() {
        let folder = std::env::temp_dir().join(format!("wardline-secrets-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let secret = "0123456789abcdef0123456789abcdef";
        let values = [
            ("WARDLINE_ENV", "production".to_owned()),
            ("JWT_SECRET_FILE", file("jwt", &format!("{secret}\n"))),
            ("ADMIN_USERNAME", "boss".to_owned()),
            (
                "ADMIN_PASSWORD_FILE",
                file("admin", " a password with blanks \r\n"),
            ),
            (
                "METRICS_TOKEN_FILE",
                file("metrics", "a token of some length"),
            ),
            (
                "MONGODB_URI_FILE",
                file("uri", "mongodb://u:p@db.example/hospital\n"),
            ),
        ];
        let pairs: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let settings = read(&pairs).unwrap();
        assert_eq!(settings.auth.jwt_secret.as_deref(), Some(secret));
        assert_eq!(
            settings.auth.first_admin.unwrap().1,
            " a password with blanks "
        );
        assert_eq!(
            settings.telemetry.metrics_token.as_deref(),
            Some("a token of some length")
        );
        assert_eq!(
            settings.database.uri.as_deref(),
            Some("mongodb://u:p@db.example/hospital")
        );
        assert_eq!(
            (
                settings.database.name.as_str(),
                settings.database.is_named_by_uri
            ),
            ("hospital", true)
        );
        let both = [("JWT_SECRET", secret), ("JWT_SECRET_FILE", &values[1].1)];
        assert!(problems(&both)[0].contains("JWT_SECRET_FILE"));
        for path in [
            "/nowhere/secret",
            &file("empty", "\n"),
            folder.to_str().unwrap(),
        ] {
            let named = problems(&[pairs[0], ("JWT_SECRET_FILE", path), pairs[5]]);
            assert!(
                named.len() == 1 && named[0].contains("JWT_SECRET_FILE"),
                "{named:?}"
            );
        }
        // The first never ends; the second does not even begin.
        let fifo = folder.join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for path in ["/dev/zero", fifo.to_str().unwrap()] {
            let named = problems(&[("JWT_SECRET_FILE", path)]);
            assert!(
                named.len() == 1 && named[0].ends_with("it is no regular file"),
                "{named:?}"
            );
        }
        let long = file("long", &"x".repeat(64 * 1024 + 1));
        assert!(
            problems(&[("JWT_SECRET_FILE", &long)])[0].ends_with("it is too long for a secret")
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
