//! Reads values and collects every problem.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BadSettings, Environment, Setting, Variable, general::ENVIRONMENT,
    secret_file::read_secret_file,
};

/// Reads the variables of all sections, one after the other.
pub struct Reader<'a> {
    values: &'a BTreeMap<String, String>,
    problems: Vec<String>,
    environment: Environment,
    /// The names that were asked for.
    asked: BTreeSet<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a BTreeMap<String, String>) -> Self {
        let mut reader = Self {
            values,
            problems: Vec::new(),
            environment: Environment::Development,
            asked: BTreeSet::new(),
        };
        if let Some(environment) = reader.value(&ENVIRONMENT) {
            reader.environment = environment;
        }
        reader.asked.clear();
        reader
    }

    /// Returns the environment; development when its variable is bad, which is a problem already.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Adds a problem, unless it was added before: two sections may read one variable.
    pub fn add_problem(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Whether one of the problems concerns this variable or its file.
    #[must_use]
    pub fn has_problem(&self, name: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.starts_with(name))
    }

    /// Returns the text of a variable without the blanks around it, if it has any.
    pub fn text(&mut self, variable: &Variable) -> Option<String> {
        self.asked.insert(variable.name);
        self.values
            .get(variable.name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// Returns the text of a variable, or its default.
    pub fn text_or_default(&mut self, variable: &Variable) -> String {
        self.text(variable)
            .unwrap_or_else(|| variable.default.to_owned())
    }

    /// Returns the value, or the default. `None` is a problem.
    pub fn value<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let text = self.text_or_default(&setting.variable);
        let value = (setting.parse)(&text);
        self.check(&setting.variable, value)
    }

    /// Returns the value, if the variable is set. `None` is a problem.
    pub fn optional<T>(&mut self, setting: &Setting<T>) -> Option<Option<T>> {
        let Some(text) = self.text(&setting.variable) else {
            return Some(None);
        };
        let value = (setting.parse)(&text);
        self.check(&setting.variable, value).map(Some)
    }

    /// Returns the entries of a comma list. `None` is a problem.
    pub fn list<T>(&mut self, setting: &Setting<T>) -> Option<Vec<T>> {
        let Some(text) = self.text(&setting.variable) else {
            return Some(Vec::new());
        };
        let entries: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .collect();
        let Variable { name, form, .. } = setting.variable;
        // A list of nothing but commas would be empty, which may mean the contrary.
        if entries.is_empty() {
            self.add_problem(format!("{name} must be {form}, with at least one entry"));
            return None;
        }
        let values: Option<Vec<T>> = entries.into_iter().map(setting.parse).collect();
        self.check(&setting.variable, values)
    }

    /// Returns a secret from its variable, or from the file that `in_file` names. It is unchanged,
    /// including blanks. `None` is a problem.
    pub fn secret(&mut self, variable: &Variable, in_file: &Variable) -> Option<Option<String>> {
        self.asked.insert(variable.name);
        let given = self
            .values
            .get(variable.name)
            .filter(|value| !value.trim().is_empty())
            .cloned();
        let Some(path) = self.text(in_file) else {
            return Some(given);
        };
        let (name, in_file) = (variable.name, in_file.name);
        if given.is_some() {
            self.add_problem(format!("{name} and {in_file} exclude each other"));
            return None;
        }
        match read_secret_file(&path) {
            Ok(secret) => Some(Some(secret)),
            Err(why) => {
                self.add_problem(format!(
                    "{in_file} names {path}, which cannot be used: {why}"
                ));
                None
            }
        }
    }

    fn check<T>(&mut self, variable: &Variable, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let Variable { name, form, .. } = variable;
            self.add_problem(format!("{name} must be {form}"));
        }
        value
    }

    /// Returns what was read, unless there is a problem.
    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, BadSettings> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            Some(_) | None => Err(BadSettings(self.problems)),
        }
    }

    #[cfg(test)]
    pub(super) fn take_asked(&mut self) -> BTreeSet<&'static str> {
        std::mem::take(&mut self.asked)
    }
}
