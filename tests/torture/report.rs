//! The report of what was tested and what held: for the terminal, and for `docs/TORTURE.md` after a
//! long run.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    checker::CHECKERS,
    nemesis::Fault,
    round::{Options, Round},
};

/// All rounds of one run.
pub struct Report {
    pub options: Options,
    pub rounds: Vec<Round>,
    pub seconds: u64,
}

fn list(numbers: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = numbers.collect();
    if all.is_empty() {
        "–".to_owned()
    } else {
        all.join(", ")
    }
}

/// Milliseconds in readable form.
fn time(milliseconds: u64) -> String {
    if milliseconds < 1_000 {
        format!("{milliseconds} ms")
    } else {
        format!(
            "{:.1} s",
            f64::from(u32::try_from(milliseconds).unwrap_or(u32::MAX)) / 1_000.0
        )
    }
}

/// One line for a round.
pub fn line(round: &Round) -> String {
    let [ok, failed, unknown] = round.sends;
    let times =
        |all: &[Option<u64>]| list(all.iter().map(|one| one.map_or("never".to_owned(), time)));
    let violations = round.violations().count();
    let notes = if round.notes.is_empty() {
        String::new()
    } else {
        format!("; {}", round.notes.join("; "))
    };
    format!(
        "{:<16} #{}: {ok} ok, {failed} failed, {unknown} unknown; p50 {}, p99 {}; {} injected, first success after {}, in the last session after {}; {}{notes}",
        round.fault.name(),
        round.number,
        time(round.latency[0]),
        time(round.latency[1]),
        round.injected,
        times(&round.first_success),
        times(&round.last_session),
        round.not_tried.as_ref().map_or_else(
            || format!("{violations} violations"),
            |why| format!("not tried: {why}")
        ),
    )
}

impl Report {
    /// Every violation with what is needed to reproduce it.
    pub fn violations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for round in &self.rounds {
            for (check, evidence) in round.violations() {
                lines.push(format!(
                    "seed {}, fault {} #{}, check {check}: {evidence}",
                    self.options.seed, round.fault, round.number
                ));
            }
        }
        lines
    }

    /// The number of examined items, by check.
    pub fn looked_at(&self) -> BTreeMap<&'static str, (u64, usize)> {
        let mut totals: BTreeMap<&'static str, (u64, usize)> = BTreeMap::new();
        for (name, found) in self.rounds.iter().flat_map(|round| &round.found) {
            let total = totals.entry(name).or_default();
            total.0 += found.looked_at;
            total.1 += found.violations.len();
        }
        totals
    }

    /// The checks that examined nothing.
    pub fn idle_checks(&self) -> Vec<&'static str> {
        let totals = self.looked_at();
        CHECKERS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| totals.get(name).is_none_or(|t| t.0 == 0))
            .collect()
    }

    /// The page.
    pub async fn page(&self) -> String {
        let mut page = String::new();
        let _ = write!(
            page,
            "# Torture\n\n\
             Written by `make torture`. What is checked, and how, stands in `tests/torture/`. The clients' history holds each operation \
             with its outcome (*ok*, *failed* or *unknown*), each event that arrived, and a final read of everything; the checkers \
             read it. The workload is twelve people with twenty devices in twelve private sessions and two groups, and two \
             outsiders. While the nemesis injects each fault, the generators have them send, repeat, read, edit, recall, delete, \
             react and forward, one message or several into one session or two. The groups' owners remove members and add them \
             again all the while, in one group with its past closed to those who come, in the other with it open.\n\n\
             | Run | |\n|---|---|\n| Machine | {} |\n| Date | {} |\n| Commit | {} |\n| Seed | `TORTURE_SEED={}` |\n\
             | Time | {} min |\n| Recovery bound | {} s |\n\n",
            machine(),
            said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]).await,
            said("git", &["describe", "--always", "--dirty"]).await,
            self.options.seed,
            self.seconds.div_ceil(60),
            self.options.recovery.as_secs(),
        );
        page.push_str(
            "## Faults\n\n| Fault | Rounds | Struck | Sends ok | failed | unknown | First success after | In the last session | Violations |\n\
             |---|--:|--:|--:|--:|--:|---|---|--:|\n",
        );
        for fault in Fault::ALL {
            self.fault_row(fault, &mut page);
        }
        page.push_str("\nA fault is over when the service's process was started, or the database has a primary again.\n");
        page.push_str("\n## Checks\n\n| Check | Looked at | Violations |\n|---|--:|--:|\n");
        for (name, (looked_at, violations)) in CHECKERS.iter().map(|(n, _)| (*n, self.total(n))) {
            let _ = writeln!(page, "| {name} | {looked_at} | {violations} |");
        }
        page.push_str("\n## Rounds\n\n```\n");
        for round in &self.rounds {
            page.push_str(&line(round));
            page.push('\n');
        }
        page.push_str("```\n");
        for violation in self.violations() {
            let _ = writeln!(page, "\n- {violation}");
        }
        page
    }

    fn total(&self, check: &str) -> (u64, usize) {
        self.looked_at().get(check).copied().unwrap_or_default()
    }

    fn fault_row(&self, fault: Fault, page: &mut String) {
        let rounds: Vec<&Round> = self
            .rounds
            .iter()
            .filter(|round| round.fault == fault)
            .collect();
        if rounds.is_empty() {
            return;
        }
        if let Some(why) = rounds.iter().find_map(|round| round.not_tried.as_ref()) {
            let _ = writeln!(
                page,
                "| {}: {} | not tried: {why} |||||||||",
                fault,
                fault.meaning()
            );
            return;
        }
        let sum = |place: usize| rounds.iter().map(|round| round.sends[place]).sum::<usize>();
        let times = |of: fn(&Round) -> &[Option<u64>]| {
            let all = rounds.iter().flat_map(|round| of(round));
            list(all.map(|one| one.map_or("never".to_owned(), time)))
        };
        let _ = writeln!(
            page,
            "| **{fault}**: {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            fault.meaning(),
            rounds.len(),
            rounds.iter().map(|round| round.injected).sum::<usize>(),
            sum(0),
            sum(1),
            sum(2),
            times(|round| &round.first_success),
            times(|round| &round.last_session),
            rounds
                .iter()
                .map(|round| round.violations().count())
                .sum::<usize>(),
        );
    }
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(" unknown");
    let memory = read("/proc/meminfo");
    let kib = memory.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    let gib = kib.unwrap_or(0_u64) >> 20;
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{processors} × {}, {gib} GiB, Linux {}, all on one machine",
        model.trim_start_matches(['\t', ' ', ':']),
        kernel.trim()
    )
}

async fn said(program: &str, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new(program);
    let output = command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await;
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
