//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Loads Wardline, the peer and the raw limits of this machine in one go, and writes what it found.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct Options {
    /// Short measurements, for a smoke test: its figures mean nothing
    #[arg(long)]
    pub quick: bool,
    /// Only these rows
    #[arg(long, value_enum, num_args = 1.., value_delimiter = ',')]
    pub only: Vec<Key>,
    /// Where the report goes [default: docs/BENCHMARKS.md; with --quick or --only nowhere]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Rounds in which the contestants alternate; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Measure this program instead of the one that was built along, to compare two
    #[arg(long)]
    pub wardline: Option<PathBuf>,
    /// Leave the peer out, for profiling
    #[arg(long)]
    pub no_peer: bool,
    /// Said by `cargo bench`
    #[arg(long, hide = true)]
    pub bench: bool,
    /// Be the bare WebSocket echo
    #[arg(long, hide = true)]
    pub echo_server: bool,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Key {
    Floor,
    Latency,
    Throughput,
    Memory,
    Joins,
    History,
    Reads,
    Storm,
    Growth,
    House,
    Search,
    Uploads,
    Torture,
}

impl Options {
    pub fn wants(&self, key: Key) -> bool {
        self.only.is_empty() || self.only.contains(&key)
    }

    /// A duration of `full` seconds, or of as many as a smoke test takes.
    pub fn seconds(&self, full: f64, quick: f64) -> std::time::Duration {
        std::time::Duration::from_secs_f64(if self.quick { quick } else { full })
    }

    /// A number of things, or fewer for a smoke test.
    pub fn count(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}
