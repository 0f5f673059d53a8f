//! The results: printed as they come, then written as `docs/BENCHMARKS.md`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Outcome,
    stats::{figure, median},
    subject::Kind,
};

/// The bound that a figure has to meet.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
    /// No bound: the figure is for information.
    None,
}

impl Target {
    fn is_reached(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(bound) => Some(value >= bound),
            Self::AtMost(bound) => Some(value <= bound),
            Self::Below(bound) => Some(value < bound),
            Self::None => None,
        }
    }
}

/// One line of the summary.
#[derive(Debug, Clone)]
pub struct Line {
    pub what: String,
    pub wardline: String,
    pub other: String,
    /// The value that is compared with the target.
    pub value: String,
    pub target: String,
    pub reached: Option<bool>,
}

impl Line {
    /// Compares `value` with a target; `unit` is written after both. Without a value the target is
    /// not reached.
    pub fn new(what: &str, value: Option<f64>, target: Target, unit: &str) -> Self {
        let bound = match target {
            Target::AtLeast(bound) => format!("≥ {}{unit}", short(bound)),
            Target::AtMost(bound) => format!("≤ {}{unit}", short(bound)),
            Target::Below(bound) => format!("< {}{unit}", short(bound)),
            Target::None => "–".to_owned(),
        };
        let reached = match value {
            Some(value) => target.is_reached(value),
            None => target.is_reached(0.0).map(|_| false),
        };
        Self {
            what: what.to_owned(),
            wardline: "–".to_owned(),
            other: "–".to_owned(),
            value: value.map_or("not measured".to_owned(), |value| {
                format!("{}{unit}", figure(value))
            }),
            target: bound,
            reached,
        }
    }

    /// Compares the ratio of two figures with a target.
    pub fn ratio(what: &str, wardline: Option<f64>, other: Option<f64>, target: Target) -> Self {
        let value = wardline.zip(other).map(|(one, other)| one / other);
        Self::new(what, value, target, " ×").with(wardline, other)
    }

    /// Adds Wardline's figure, and that of the peer or the limit.
    pub fn with(mut self, wardline: Option<f64>, other: Option<f64>) -> Self {
        let text = |value: Option<f64>| value.map_or("failed".to_owned(), figure);
        (self.wardline, self.other) = (text(wardline), text(other));
        self
    }

    fn cells(&self) -> [&str; 5] {
        [
            &self.what,
            &self.wardline,
            &self.other,
            &self.value,
            &self.target,
        ]
    }

    fn verdict(&self) -> &'static str {
        match self.reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        }
    }
}

fn short(bound: f64) -> String {
    if bound.fract() == 0.0 {
        format!("{bound:.0}")
    } else {
        format!("{bound}")
    }
}

/// The report of one case.
#[derive(Debug, Default)]
pub struct CaseReport {
    pub name: &'static str,
    /// How the case is measured.
    pub how: String,
    pub lines: Vec<Line>,
    /// Markdown tables of raw figures.
    pub raw: String,
    /// Faults of the service: with any of them the bench fails.
    pub faults: Vec<String>,
}

/// The figures of a case's rounds.
pub struct Samples {
    case: &'static str,
    /// The names, in the order of their first appearance.
    figures: Vec<String>,
    values: BTreeMap<(String, Kind), Vec<f64>>,
    /// Round, subject, figures, and the problem, if there was one.
    rounds: Vec<(u32, Kind, BTreeMap<String, f64>, String)>,
}

impl Samples {
    pub fn of(case: &'static str) -> Self {
        Self {
            case,
            figures: Vec::new(),
            values: BTreeMap::new(),
            rounds: Vec::new(),
        }
    }

    /// Records and prints the figures of one subject in one round, or why there are none.
    pub fn record(&mut self, round: u32, kind: Kind, result: Outcome<Vec<(String, f64)>>) {
        let (figures, problem) = match result {
            Ok(figures) => (figures, String::new()),
            Err(error) => (Vec::new(), format!("failed: {error}")),
        };
        let shown: Vec<String> = figures
            .iter()
            .map(|(name, value)| format!("{name} {}", figure(*value)))
            .collect();
        println!(
            "  {} {round} {kind:<9} {}{problem}",
            self.case,
            shown.join(", ")
        );
        for (name, value) in &figures {
            if !self.figures.contains(name) {
                self.figures.push(name.clone());
            }
            self.values
                .entry((name.clone(), kind))
                .or_default()
                .push(*value);
        }
        self.rounds
            .push((round, kind, figures.into_iter().collect(), problem));
    }

    /// Returns the median over the rounds.
    pub fn median(&self, figure: &str, kind: Kind) -> Option<f64> {
        median(self.values.get(&(figure.to_owned(), kind))?)
    }

    /// Returns the figure of every round.
    pub fn values_of(&self, figure: &str, kind: Kind) -> &[f64] {
        self.values
            .get(&(figure.to_owned(), kind))
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the medians of Wardline and the peer.
    pub fn both(&self, figure: &str) -> (Option<f64>, Option<f64>) {
        (
            self.median(figure, Kind::Wardline),
            self.median(figure, Kind::Peer),
        )
    }

    /// Returns a line with the ratio of the two medians.
    pub fn ratio(&self, what: &str, figure: &str, target: Target) -> Line {
        let (wardline, peer) = self.both(figure);
        Line::ratio(what, wardline, peer, target)
    }

    /// Returns all rounds as a Markdown table.
    pub fn raw(&self) -> String {
        let mut text = format!("| round | who | {} |\n", self.figures.join(" | "));
        text.push_str(&"|---".repeat(self.figures.len() + 2));
        text.push_str("|\n");
        for (round, kind, figures, problem) in &self.rounds {
            let cells = self
                .figures
                .iter()
                .map(|name| figures.get(name).map_or("–".to_owned(), |v| figure(*v)));
            let cells: Vec<String> = cells.collect();
            let note = if problem.is_empty() {
                String::new()
            } else {
                format!(" {} |", one_line(problem))
            };
            let _ = writeln!(text, "| {round} | {kind} | {} |{note}", cells.join(" | "));
        }
        text
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '|'], " ")
}

/// Prints a case's lines as the table has them.
pub fn print(report: &CaseReport) {
    for line in &report.lines {
        let [what, wardline, other, value, target] = line.cells();
        let verdict = match line.reached {
            Some(true) => "reached",
            Some(false) => "NOT REACHED",
            None => "",
        };
        println!("{what:<58} {wardline:>10} {other:>10}   {value:>10}  {target:<10} {verdict}");
    }
    for fault in &report.faults {
        println!("  FAULT in {}: {fault}", report.name);
    }
}

/// Returns the default path of the report.
pub fn default_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md")
}

/// Writes the report.
pub fn write(
    path: &Path,
    machine: &[(&'static str, String)],
    command: &str,
    rounds: u32,
    reports: &[CaseReport],
) -> Outcome<()> {
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string();
    let mut text = format!(
        "# Benchmarks\n\nWritten by `make bench` on {now}; nothing here is edited by hand. The load tool, \
         Wardline, the peer (Express, Socket.IO and Mongoose: `benches/peer/`) and one mongod (one-node replica \
         set, 1 GB cache, majority and journal) share this machine:\n\n| | |\n|---|---|\n"
    );
    for (name, value) in machine {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    let _ = writeln!(text, "| Command | `{command}` |");
    let _ = write!(
        text,
        "\nThe subjects alternate in {rounds} round(s), only one of them runs at a time; each figure is the median \
         of its rounds, and ratios come from this one run. Before Wardline is stopped after a measurement its search \
         index catches up, so that the next one is not measured beside that.\n\n## Summary\n\n\
         | | Wardline | peer or limit | compared | to reach | reached |\n|---|--:|--:|--:|--:|---|\n"
    );
    for line in reports.iter().flat_map(|report| &report.lines) {
        let _ = writeln!(
            text,
            "| {} | {} |",
            line.cells().join(" | "),
            line.verdict()
        );
    }
    let faults: Vec<String> = reports
        .iter()
        .flat_map(|report| {
            report
                .faults
                .iter()
                .map(|fault| format!("- {}: {fault}\n", report.name))
        })
        .collect();
    if !faults.is_empty() {
        let _ = write!(text, "\n**Faults**\n\n{}", faults.concat());
    }
    let limits = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/limits.md");
    if let Ok(limits) = fs::read_to_string(limits) {
        let _ = write!(text, "\n## Limits and their causes\n\n{}\n", limits.trim());
    }
    text.push_str("\n## Each case: how it is measured, and every round\n");
    for report in reports {
        let _ = write!(text, "\n### {}\n\n{}\n", report.name, report.how);
        if !report.raw.is_empty() {
            let _ = write!(text, "\n{}", report.raw);
        }
    }
    fs::write(path, text)?;
    Ok(())
}
