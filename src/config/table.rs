//! The page of all settings, `docs/operations/configuration.md`, made from their sections.

use std::fmt::Write;

use super::{SectionEntry, all_sections, database::PATH};

const INTRODUCTION: &str = "\
# Configuration

By environment, checked once at start; every bad value is named. An empty value is as if it were not set. Lists have commas. A secret in a file is taken
without the end of its line. In production `JWT_SECRET` and `METRICS_TOKEN` need 8 different bytes at least. `wardline settings` prints this
page from the sections in `src/config/`; a test compares.
";

/// Returns the page of all settings.
#[must_use]
pub fn to_markdown(of_gateways: &[SectionEntry]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in all_sections(of_gateways) {
        page.push_str("\n## ");
        page.push_str(section.title);
        page.push_str("\n\n| Variable | Default | Form | Meaning |\n|---|---|---|---|\n");
        let variables = section.variables.iter();
        for variable in variables.filter(|variable| variable.name != PATH.name) {
            let default = match variable.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            // Writing into a String cannot fail.
            let _ = writeln!(
                page,
                "| `{}` | {default} | {} | {} |",
                variable.name, variable.form, variable.meaning
            );
        }
    }
    page
}
