//! The mongod that all tests share: a one-node replica set, started once, ended with the test
//! process (by the watchdog of the managed mongod).

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use wardline::store::embedded::{EmbeddedMongod, EmbeddedOptions};

/// Options for a mongod in `folder`; the binary is the one from `scripts/get-mongod`, or from PATH.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own search for a mongod"
)]
pub fn options(folder: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        binary: std::env::var_os("WARDLINE_MONGOD").map(PathBuf::from),
        search_path: std::env::var_os("PATH"),
        data_dir: folder.to_owned(),
        cache_gb: Some(0.5),
    }
}

/// The mongod from `scripts/get-mongod`, or from PATH, or `WARDLINE_MONGOD`.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own search for a mongod"
)]
pub fn binary() -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join(".mongod/mongod");
    let on_path: Vec<PathBuf> = std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join("mongod"))
        .collect();
    let given: Option<OsString> = std::env::var_os("WARDLINE_MONGOD");
    let candidates = given
        .map(PathBuf::from)
        .into_iter()
        .chain(on_path)
        .chain([fetched]);
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .expect("a mongod: run scripts/get-mongod")
}

/// A folder for one mongod of this process; those of earlier processes are removed.
pub fn folder(name: &str) -> PathBuf {
    let base = std::env::temp_dir().join("wardline-it");
    let own = format!("{name}-{}", std::process::id());
    if let Ok(entries) = std::fs::read_dir(&base) {
        for entry in entries.flatten() {
            let is_old = entry
                .file_name()
                .to_string_lossy()
                .strip_prefix(&format!("{name}-"))
                .and_then(|pid| pid.parse::<u32>().ok())
                .is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
            if is_old {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
    base.join(own)
}

/// The shared mongod's address.
pub fn shared_uri() -> String {
    static URI: OnceLock<String> = OnceLock::new();
    URI.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        // A separate runtime, because the tests' runtimes are short-lived.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mongod = EmbeddedMongod::start(options(&folder("mongod")))
                    .await
                    .expect("mongod starts");
                tell.send(mongod.uri().to_owned()).unwrap();
                std::future::pending::<()>().await;
            });
        });
        told.recv().expect("mongod is up")
    })
    .clone()
}
