//! What people learn about each other.

use super::{Reader, Section, Setting, Variable, forms};
use crate::domain::user::ContactVisibility;

const DIRECTORY_CONTACTS: Setting<ContactVisibility> = Setting {
    variable: Variable {
        name: "DIRECTORY_CONTACTS",
        default: "staff",
        form: "staff, all or none",
        meaning: "who gets others' phone and e-mail; staff are doctor, nurse and admin",
    },
    parse: |text| {
        let words = [
            ("staff", ContactVisibility::Staff),
            ("all", ContactVisibility::All),
            ("none", ContactVisibility::Nobody),
        ];
        forms::one_of(text, words)
    },
};

/// The settings of the directory of people.
#[derive(Debug, Clone)]
pub struct PeopleSettings {
    pub directory_contacts: ContactVisibility,
}

impl Section for PeopleSettings {
    const TITLE: &'static str = "People";
    const VARIABLES: &'static [Variable] = &[DIRECTORY_CONTACTS.variable];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            directory_contacts: reader.value(&DIRECTORY_CONTACTS)?,
        })
    }
}
