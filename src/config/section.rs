//! What a section of the settings is made of: variables with their defaults, forms and meanings.
//!
//! A gateway adds a section of its own: it implements [`Section`] in its folder, and `app` lists it
//! as a [`SectionEntry`].

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    sync::Arc,
};

use super::{BadSettings, Reader};

/// One environment variable as the table of settings shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    /// The default in the form of a value; empty when there is none, or when it depends on other
    /// settings.
    pub default: &'static str,
    /// The form or unit of a value. An error says "NAME must be FORM".
    pub form: &'static str,
    pub meaning: &'static str,
}

/// A variable with the parser of its values. The default is parsed like a value.
pub struct Setting<T: 'static> {
    pub variable: Variable,
    pub parse: fn(&str) -> Option<T>,
}

/// One part of the settings.
pub trait Section: Sized + Send + Sync + 'static {
    /// The heading in the table of settings.
    const TITLE: &'static str;
    /// All variables that [`Section::read`] reads, in the order of the table.
    const VARIABLES: &'static [Variable];

    /// Reads and checks all variables of this section. Returns `None` exactly when the reader got
    /// a problem.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// Returns this section alone, read from `pairs`, for a test.
    ///
    /// # Errors
    /// [`BadSettings`], which names every bad variable.
    fn for_test(pairs: &[(&str, &str)]) -> Result<Self, BadSettings> {
        let values = to_values(pairs);
        let mut reader = Reader::new(&values);
        let section = Self::read(&mut reader);
        reader.finish(section)
    }
}

/// Returns name and value of each pair as the reader wants them.
pub(super) fn to_values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// A section in its stored form.
pub(super) type StoredSection = Arc<dyn Any + Send + Sync>;

/// A section in a list of sections, such as the gateways' in `app`.
#[derive(Clone, Copy)]
pub struct SectionEntry {
    pub title: &'static str,
    pub variables: &'static [Variable],
    pub(super) id: TypeId,
    pub(super) read: fn(&mut Reader<'_>) -> Option<StoredSection>,
}

impl SectionEntry {
    /// Returns the entry of a section.
    #[must_use]
    pub const fn of<S: Section>() -> Self {
        Self {
            title: S::TITLE,
            variables: S::VARIABLES,
            id: TypeId::of::<S>(),
            read: |reader| S::read(reader).map(|section| Arc::new(section) as StoredSection),
        }
    }
}
