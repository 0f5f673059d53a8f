//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Loads Wardline, the peer and the raw limits of this machine in one run, and writes the report.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct Options {
    /// Short measurements, for a smoke test: its figures mean nothing
    #[arg(long)]
    pub quick: bool,
    /// Only these cases
    #[arg(long, value_enum, num_args = 1.., value_delimiter = ',')]
    pub only: Vec<Case>,
    /// Where the report goes [default: docs/BENCHMARKS.md; with --quick or --only nowhere]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Rounds in which the subjects alternate; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Measure this program instead of the one that was built with the bench, to compare two
    #[arg(long)]
    pub wardline: Option<PathBuf>,
    /// Leave the peer out, for profiling
    #[arg(long)]
    pub no_peer: bool,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    pub bench: bool,
    /// Be the bare WebSocket echo
    #[arg(long, hide = true)]
    pub echo_server: bool,
}

/// A case of the report; some keep the names that earlier reports know them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Case {
    #[value(name = "floor")]
    Baseline,
    Latency,
    Throughput,
    Memory,
    Joins,
    History,
    Reads,
    #[value(name = "storm")]
    Burst,
    Growth,
    #[value(name = "house")]
    Overview,
    Search,
    Uploads,
    Torture,
}

impl Options {
    pub fn wants(&self, case: Case) -> bool {
        self.only.is_empty() || self.only.contains(&case)
    }

    /// Returns a duration of `full` seconds, or of `quick` seconds in a smoke test.
    pub fn seconds(&self, full: f64, quick: f64) -> std::time::Duration {
        std::time::Duration::from_secs_f64(if self.quick { quick } else { full })
    }

    /// Returns the count `full`, or `quick` in a smoke test.
    pub fn count(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}
