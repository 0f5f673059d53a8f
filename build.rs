//! Lets cargo notice a new build of the web client (`web/dist`, embedded by `src/gateway/web/files.rs`).

use std::{fs, path::Path};

fn main() {
    let dist = Path::new("web/dist");
    // Cargo takes a path that is missing for one that has changed, and would compile anew each time. That
    // the folder cannot be made is no reason to fail: the client is then missing, and the service says so.
    let _ = fs::create_dir_all(dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
}
