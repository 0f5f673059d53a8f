//! Invalid fields: the problem of each, as a text for developers and as a code that clients
//! translate.

use std::{collections::BTreeMap, fmt};

use super::{Error, Result};

/// The problem of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable: a client shows it in its user's language.
    pub code: &'static str,
    pub text: String,
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self { code: code_of(&text), text }
    }
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<(&'static str, &str)> for Problem {
    /// Returns a problem with a code of its own.
    fn from((code, text): (&'static str, &str)) -> Self {
        Self { code, text: text.to_owned() }
    }
}

/// The beginnings of problems' texts, and their codes.
const PROBLEM_CODES: [(&str, &str); 21] = [
    ("is required", "REQUIRED"),
    ("must be given", "REQUIRED"),
    ("must not be empty", "EMPTY"),
    ("must be text", "TYPE"),
    ("must be a list", "TYPE"),
    ("must be an object", "TYPE"),
    ("must be a whole number", "TYPE"),
    ("must be true or false", "TYPE"),
    ("must hold text only", "TYPE"),
    ("must have at most", "TOO_LONG"),
    ("must name at most", "TOO_LONG"),
    ("is too long", "TOO_LONG"),
    ("must have", "LENGTH"),
    ("must name", "LENGTH"),
    ("must be at most", "RANGE"),
    ("reaches beyond", "RANGE"),
    ("must not be later", "RANGE"),
    ("is given twice", "REPEATED"),
    ("must be an e-mail", "EMAIL"),
    ("cannot be given together", "TOGETHER"),
    ("an id is", "ID"),
];

/// Returns the code of a problem that names none.
fn code_of(text: &str) -> &'static str {
    let known = PROBLEM_CODES.iter().find(|(beginning, _)| text.starts_with(beginning));
    let number =
        || text.strip_prefix("must be ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match known {
        Some((_, code)) => code,
        None if number() => "RANGE",
        None => "INVALID",
    }
}

/// Every invalid field of an input with its problem, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldErrors(BTreeMap<String, Problem>);

impl FieldErrors {
    /// Returns the errors of one invalid field.
    #[must_use]
    pub fn one(field: &str, problem: impl Into<Problem>) -> Self {
        let mut errors = Self::default();
        errors.add(field, problem);
        errors
    }

    /// Adds a problem; the first one of a field stays.
    pub fn add(&mut self, field: &str, problem: impl Into<Problem>) {
        self.0.entry(field.to_owned()).or_insert_with(|| problem.into());
    }

    /// Adds problems found elsewhere; the first one of a field stays.
    pub fn merge(&mut self, others: &Self) {
        for (field, problem) in &others.0 {
            self.0.entry(field.clone()).or_insert_with(|| problem.clone());
        }
    }

    /// Returns the invalid fields' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns field and problem, sorted by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, problem)| (field.as_str(), problem.text.as_str()))
    }

    /// Returns field and stable code, sorted by field.
    pub fn codes(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.0.iter().map(|(field, problem)| (field.as_str(), problem.code))
    }

    /// Returns `Ok` when no field is invalid, else the error made of these.
    ///
    /// # Errors
    /// `make(self)` when a field is invalid.
    pub fn into_result(self, make: impl FnOnce(Self) -> Error) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(make(self)) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, problem)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field} {}", problem.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named_once() {
        let mut fields = FieldErrors::one("b", "is required");
        fields.add("a", "must be text");
        fields.add("b", "is also wrong");
        assert_eq!(fields.to_string(), "a must be text; b is required");
    }

    #[test]
    fn a_problem_has_a_code_that_does_not_change_with_its_words() {
        for (text, code) in [
            ("is required for image, file and voice", "REQUIRED"),
            ("must have 8 to 128 characters and not be the username", "LENGTH"),
            ("must have at most 64 characters", "TOO_LONG"),
            ("must be 1 to 366", "RANGE"),
            ("must be an e-mail address", "EMAIL"),
            ("must be online, away or offline", "INVALID"),
        ] {
            assert_eq!(Problem::from(text).code, code, "{text}");
        }
        let own = FieldErrors::one("password", ("COMMON", "is one of the commonest passwords"));
        assert_eq!(own.codes().collect::<Vec<_>>(), [("password", "COMMON")]);
    }
}
