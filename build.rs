//! Makes cargo notice a new build of the web client (`web/dist`, embedded by
//! `src/gateway/web/files.rs`).

use std::{fs, path::Path};

fn main() {
    let dist = Path::new("web/dist");
    // Cargo treats a missing path as a changed one, and would compile again each time. A folder
    // that cannot be created is no reason to fail: the client is then missing, and the service
    // reports it.
    let _ = fs::create_dir_all(dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
}
