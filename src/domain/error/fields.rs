//! Invalid fields: the problem of each, as a text for developers and as a code that clients
//! translate.

use std::{collections::BTreeMap, fmt};

use super::Result;
use crate::domain::Field;

/// The problem of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable: a client shows it in its user's language.
    pub code: &'static str,
    pub text: String,
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self {
            code: code_of(&text),
            text,
        }
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
        Self {
            code,
            text: text.to_owned(),
        }
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
    let known = PROBLEM_CODES
        .iter()
        .find(|(beginning, _)| text.starts_with(beginning));
    let number = || {
        text.strip_prefix("must be ")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    match known {
        Some((_, code)) => code,
        None if number() => "RANGE",
        None => "INVALID",
    }
}

/// Every invalid field of an input with its problem, sorted by field: in domain and services by
/// [`Field`], on the wire by the gateway's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldErrors<F = Field>(BTreeMap<F, Problem>);

impl<F> Default for FieldErrors<F> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<F: Ord> FieldErrors<F> {
    /// Returns the errors of one invalid field.
    #[must_use]
    pub fn one(field: impl Into<F>, problem: impl Into<Problem>) -> Self {
        let mut errors = Self::default();
        errors.add(field, problem);
        errors
    }

    /// Adds a problem; the first one of a field stays.
    pub fn add(&mut self, field: impl Into<F>, problem: impl Into<Problem>) {
        self.0.entry(field.into()).or_insert_with(|| problem.into());
    }

    /// Adds the problems of another check, under the names of `name`; the first one of a field
    /// stays.
    pub fn merge<G>(&mut self, others: &FieldErrors<G>, name: impl Fn(&G) -> F) {
        for (field, problem) in &others.0 {
            self.0.entry(name(field)).or_insert_with(|| problem.clone());
        }
    }

    /// Whether no field is invalid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this field is invalid.
    pub fn has(&self, field: &F) -> bool {
        self.0.contains_key(field)
    }

    /// Returns field and problem, sorted by field.
    pub fn iter(&self) -> impl Iterator<Item = (&F, &Problem)> {
        self.0.iter()
    }

    /// Returns `Ok` when no field is invalid, else the error made of these.
    ///
    /// # Errors
    /// `make(self)` when a field is invalid.
    pub fn into_result<E>(self, make: impl FnOnce(Self) -> E) -> Result<(), E> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(make(self))
        }
    }
}

impl<F: fmt::Display> fmt::Display for FieldErrors<F> {
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
        let mut fields = FieldErrors::<String>::one("b", "is required");
        fields.add("a", "must be text");
        fields.add("b", "is also wrong");
        assert_eq!(fields.to_string(), "a must be text; b is required");
    }

    #[test]
    fn a_problem_has_a_code_that_does_not_change_with_its_words() {
        for (text, code) in [
            ("is required for image, file and voice", "REQUIRED"),
            (
                "must have 8 to 128 characters and not be the username",
                "LENGTH",
            ),
            ("must have at most 64 characters", "TOO_LONG"),
            ("must be 1 to 366", "RANGE"),
            ("must be an e-mail address", "EMAIL"),
            ("must be online, away or offline", "INVALID"),
        ] {
            assert_eq!(Problem::from(text).code, code, "{text}");
        }
        let own =
            FieldErrors::<String>::one("password", ("COMMON", "is one of the commonest passwords"));
        assert_eq!(
            own.iter()
                .map(|(field, problem)| (field.as_str(), problem.code))
                .collect::<Vec<_>>(),
            [("password", "COMMON")]
        );
    }
}
