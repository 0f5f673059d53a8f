//! Reading input field by field: a body, a query or an event's payload.
//!
//! A field is accepted only in the wanted shape: an object or an array instead of a text is a bad
//! field, never a database operator. All bad fields are collected, so that one answer names them
//! all.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{
    error::{RequestError, Result},
    field_names::field_name,
};
use crate::domain::error::{Code, FieldErrors, Problem};

/// Input that can be read from fields.
pub trait FromFields: Sized {
    /// Reads the fields. Problems are recorded in `fields`, and the value is only used when there
    /// are none.
    fn read(fields: &mut Fields) -> Option<Self>;

    /// The code of the error that names the invalid fields.
    const CODE: Code = Code::ValidationFailed;

    /// Reads the whole input.
    ///
    /// # Errors
    /// A validation error that names every bad field.
    fn from_map(map: Map<String, Value>, are_texts: bool) -> Result<Self> {
        let mut fields = Fields {
            map,
            are_texts,
            errors: FieldErrors::default(),
        };
        let read = Self::read(&mut fields);
        match read {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => Err(RequestError::Invalid {
                code: Self::CODE,
                fields: fields.errors,
            }),
        }
    }
}

/// The fields of one input.
pub struct Fields {
    map: Map<String, Value>,
    /// In a query every value is text, also a number.
    are_texts: bool,
    errors: FieldErrors<String>,
}

impl Fields {
    /// Records a problem.
    pub fn problem(&mut self, name: &str, problem: impl Into<Problem>) {
        self.errors.add(name, problem);
    }

    /// Whether the field is present and was not taken.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether the field is bad.
    #[must_use]
    pub fn is_bad(&self, name: &str) -> bool {
        self.errors.has(&name.to_owned())
    }

    /// Records problems found elsewhere.
    pub fn problems(&mut self, problems: &FieldErrors) {
        self.errors
            .merge(problems, |field| field_name(*field).to_owned());
    }

    /// Takes the value of a field; `null` counts as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text, if present.
    pub fn text(&mut self, name: &str) -> Option<String> {
        if let Value::String(text) = self.take(name)? {
            Some(text)
        } else {
            self.errors.add(name, "must be text");
            None
        }
    }

    /// Takes a text, or returns an empty one.
    pub fn text_or_empty(&mut self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// Takes a required text.
    pub fn required_text(&mut self, name: &str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.errors.add(name, "is required");
        }
        text
    }

    /// Takes a value that is written as text; an empty text counts as absent.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name).filter(|text| !text.is_empty())?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(problem) => {
                self.errors.add(name, problem.to_string());
                None
            }
        }
    }

    /// Takes a required value that is written as text.
    pub fn required<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.parsed(name);
        if value.is_none() {
            self.errors.add(name, "is required");
        }
        value
    }

    /// Takes a whole number, if present.
    pub fn integer(&mut self, name: &str) -> Option<i64> {
        let value = match self.take(name)? {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) if self.are_texts => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.errors.add(name, "must be a whole number");
        }
        value
    }

    /// Takes a whole number from 0 on, if present.
    pub fn natural(&mut self, name: &str) -> Option<u64> {
        let value = self.integer(name)?;
        let natural = u64::try_from(value).ok();
        if natural.is_none() {
            self.errors.add(name, "must be 0 or more");
        }
        natural
    }

    /// Takes a boolean, if present.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = match self.take(name)? {
            Value::Bool(value) => Some(value),
            Value::String(text) if self.are_texts => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.errors.add(name, "must be true or false");
        }
        value
    }

    /// Takes a list of values that are written as text, if present, without duplicates.
    pub fn list<T: FromStr<Err: std::fmt::Display> + PartialEq>(
        &mut self,
        name: &str,
        max: usize,
    ) -> Option<Vec<T>> {
        let Value::Array(entries) = self.take(name)? else {
            self.errors.add(name, "must be a list");
            return None;
        };
        if entries.len() > max {
            self.errors
                .add(name, format!("must have at most {max} entries"));
            return None;
        }
        let mut list = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.as_str().map(str::parse::<T>) {
                Some(Ok(value)) if list.contains(&value) => {}
                Some(Ok(value)) => list.push(value),
                Some(Err(problem)) => self.errors.add(name, problem.to_string()),
                None => self.errors.add(name, "must hold text only"),
            }
        }
        (!self.is_bad(name)).then_some(list)
    }

    /// Takes a required list that must not be empty.
    pub fn required_list<T: FromStr<Err: std::fmt::Display> + PartialEq>(
        &mut self,
        name: &str,
        max: usize,
    ) -> Option<Vec<T>> {
        let list = self.list(name, max).filter(|list| !list.is_empty());
        if list.is_none() {
            self.errors.add(name, "is required");
        }
        list
    }

    /// Takes the field if it is exactly this text; returns whether it was.
    pub fn take_exact(&mut self, name: &str, text: &str) -> bool {
        let is = self.map.get(name).and_then(Value::as_str) == Some(text);
        if is {
            self.map.remove(name);
        }
        is
    }

    /// Takes an object, if present.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        if let Value::Object(map) = self.take(name)? {
            Some(map)
        } else {
            self.errors.add(name, "must be an object");
            None
        }
    }
}

/// Converts a number such as `50.0`, which some clients write for 50.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded and without a fraction"
    )]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::UserId;

    #[derive(Debug)]
    struct Sample {
        user: UserId,
        name: String,
        count: i64,
    }

    impl FromFields for Sample {
        fn read(fields: &mut Fields) -> Option<Self> {
            let (user, name, count) = (
                fields.required("userId"),
                fields.required_text("name"),
                fields.integer("count"),
            );
            Some(Self {
                user: user?,
                name: name?,
                count: count.unwrap_or(7),
            })
        }
    }

    fn read(value: Value, are_texts: bool) -> Result<Sample> {
        let Value::Object(map) = value else {
            panic!("not an object")
        };
        Sample::from_map(map, are_texts)
    }

    #[test]
    fn every_bad_field_is_named_and_no_operator_is_taken() {
        let hostile = json!({ "userId": { "$ne": null }, "name": ["a"], "count": "5" });
        let Err(RequestError::Invalid { fields: errors, .. }) = read(hostile, false) else {
            panic!("taken")
        };
        assert_eq!(
            errors
                .iter()
                .map(|(field, _)| field.as_str())
                .collect::<Vec<_>>(),
            ["count", "name", "userId"]
        );
        let Err(RequestError::Invalid { fields: errors, .. }) = read(json!({}), false) else {
            panic!("taken")
        };
        assert_eq!(errors.to_string(), "name is required; userId is required");
    }

    #[test]
    fn a_query_may_write_numbers_as_text() {
        let query = json!({ "userId": "64b7f0c2a1b2c3d4e5f60718", "name": "x", "count": "5" });
        let sample = read(query, true).unwrap();
        assert_eq!((sample.count, sample.name.as_str()), (5, "x"));
        assert_eq!(sample.user.to_string(), "64b7f0c2a1b2c3d4e5f60718");
    }
}
