//! The switch of the rate limits. The limits themselves are constants where they are enforced.

use super::{Reader, Section, Setting, Variable, forms};

const RATE_LIMIT: Setting<bool> = Setting {
    variable: Variable {
        name: "RATE_LIMIT",
        default: "on",
        form: "on or off",
        meaning: "whether rates are limited; off is for load tests",
    },
    parse: forms::on_or_off,
};

/// The settings of the limits.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    pub rate_limit: bool,
}

impl Section for LimitSettings {
    const TITLE: &'static str = "Limits";
    const VARIABLES: &'static [Variable] = &[RATE_LIMIT.variable];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            rate_limit: reader.value(&RATE_LIMIT)?,
        })
    }
}
