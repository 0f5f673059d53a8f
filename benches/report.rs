//! What was found: printed as it comes, then written as `docs/BENCHMARKS.md`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Outcome,
    contestant::Kind,
    stats::{figure, median},
};

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
    /// For information.
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
    /// What is compared with the target.
    pub value: String,
    pub target: String,
    pub reached: Option<bool>,
}

impl Line {
    /// `value` against a target, which `unit` follows; without a value the target is not reached.
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
            value: value.map_or("not measured".to_owned(), |value| format!("{}{unit}", figure(value))),
            target: bound,
            reached,
        }
    }

    /// The ratio of two figures.
    pub fn ratio(what: &str, wardline: Option<f64>, other: Option<f64>, target: Target) -> Self {
        let value = wardline.zip(other).map(|(one, other)| one / other);
        Self::new(what, value, target, " ×").with(wardline, other)
    }

    /// Beside the value: Wardline's figure, and the peer's or the limit's.
    pub fn with(mut self, wardline: Option<f64>, other: Option<f64>) -> Self {
        let text = |value: Option<f64>| value.map_or("failed".to_owned(), figure);
        (self.wardline, self.other) = (text(wardline), text(other));
        self
    }

    fn cells(&self) -> [&str; 5] {
        [&self.what, &self.wardline, &self.other, &self.value, &self.target]
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
    if bound.fract() == 0.0 { format!("{bound:.0}") } else { format!("{bound}") }
}

/// A finished row.
#[derive(Debug, Default)]
pub struct Row {
    pub name: &'static str,
    /// How it is measured.
    pub how: String,
    pub lines: Vec<Line>,
    /// Markdown tables of raw figures.
    pub raw: String,
    /// What went wrong in the service: the bench fails.
    pub faults: Vec<String>,
}

/// The figures of a row's rounds.
pub struct Samples {
    row: &'static str,
    /// In the order of their first appearance.
    figures: Vec<String>,
    values: BTreeMap<(String, Kind), Vec<f64>>,
    /// Round, contestant, figures, and what else there is to say.
    rounds: Vec<(u32, Kind, BTreeMap<String, f64>, String)>,
}

impl Samples {
    pub fn of(row: &'static str) -> Self {
        Self { row, figures: Vec::new(), values: BTreeMap::new(), rounds: Vec::new() }
    }

    /// Notes and prints what one contestant did in one round, or why it did not.
    pub fn note(&mut self, round: u32, kind: Kind, result: Outcome<Vec<(String, f64)>>) {
        let (figures, trouble) = match result {
            Ok(figures) => (figures, String::new()),
            Err(error) => (Vec::new(), format!("failed: {error}")),
        };
        let shown: Vec<String> =
            figures.iter().map(|(name, value)| format!("{name} {}", figure(*value))).collect();
        println!("  {} {round} {kind:<9} {}{trouble}", self.row, shown.join(", "));
        for (name, value) in &figures {
            if !self.figures.contains(name) {
                self.figures.push(name.clone());
            }
            self.values.entry((name.clone(), kind)).or_default().push(*value);
        }
        self.rounds.push((round, kind, figures.into_iter().collect(), trouble));
    }

    /// The median over the rounds.
    pub fn median(&self, figure: &str, kind: Kind) -> Option<f64> {
        median(self.values.get(&(figure.to_owned(), kind))?)
    }

    /// Every round's figure.
    pub fn values_of(&self, figure: &str, kind: Kind) -> &[f64] {
        self.values.get(&(figure.to_owned(), kind)).map_or(&[], Vec::as_slice)
    }

    /// Medians of both.
    pub fn both(&self, figure: &str) -> (Option<f64>, Option<f64>) {
        (self.median(figure, Kind::Wardline), self.median(figure, Kind::Peer))
    }

    /// A line with the ratio of the two medians.
    pub fn ratio(&self, what: &str, figure: &str, target: Target) -> Line {
        let (wardline, peer) = self.both(figure);
        Line::ratio(what, wardline, peer, target)
    }

    /// All rounds as a Markdown table.
    pub fn raw(&self) -> String {
        let mut text = format!("| round | who | {} |\n", self.figures.join(" | "));
        text.push_str(&"|---".repeat(self.figures.len() + 2));
        text.push_str("|\n");
        for (round, kind, figures, trouble) in &self.rounds {
            let cells =
                self.figures.iter().map(|name| figures.get(name).map_or("–".to_owned(), |v| figure(*v)));
            let cells: Vec<String> = cells.collect();
            let note = if trouble.is_empty() { String::new() } else { format!(" {} |", one_line(trouble)) };
            let _ = writeln!(text, "| {round} | {kind} | {} |{note}", cells.join(" | "));
        }
        text
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '|'], " ")
}

/// Prints a row's lines as the table has them.
pub fn print(row: &Row) {
    for line in &row.lines {
        let [what, wardline, other, value, target] = line.cells();
        let verdict = match line.reached {
            Some(true) => "reached",
            Some(false) => "NOT REACHED",
            None => "",
        };
        println!("{what:<58} {wardline:>10} {other:>10}   {value:>10}  {target:<10} {verdict}");
    }
    for fault in &row.faults {
        println!("  FAULT in {}: {fault}", row.name);
    }
}

/// Where the report goes by itself.
pub fn standard_place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md")
}

/// Writes the report.
pub fn write(
    place: &Path,
    machine: &[(&'static str, String)],
    command: &str,
    rounds: u32,
    rows: &[Row],
) -> Outcome<()> {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
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
        "\nThe contestants alternate in {rounds} round(s), only one of them runs at a time; each figure is the median \
         of its rounds, and ratios come from this one run. Before Wardline is stopped after a measurement its search \
         index catches up, so that the next one is not measured beside that.\n\n## Summary\n\n\
         | | Wardline | peer or limit | compared | to reach | reached |\n|---|--:|--:|--:|--:|---|\n"
    );
    for line in rows.iter().flat_map(|row| &row.lines) {
        let _ = writeln!(text, "| {} | {} |", line.cells().join(" | "), line.verdict());
    }
    let faults: Vec<String> = rows
        .iter()
        .flat_map(|row| row.faults.iter().map(|fault| format!("- {}: {fault}\n", row.name)))
        .collect();
    if !faults.is_empty() {
        let _ = write!(text, "\n**Faults**\n\n{}", faults.concat());
    }
    let limits = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/limits.md");
    if let Ok(limits) = fs::read_to_string(limits) {
        let _ = write!(text, "\n## Limits and their causes\n\n{}\n", limits.trim());
    }
    text.push_str("\n## Each row: how it is measured, and every round\n");
    for row in rows {
        let _ = write!(text, "\n### {}\n\n{}\n", row.name, row.how);
        if !row.raw.is_empty() {
            let _ = write!(text, "\n{}", row.raw);
        }
    }
    fs::write(place, text)?;
    Ok(())
}
