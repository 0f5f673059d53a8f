//! What concerns all parts: the environment, the data folder, the hospital's days.

use std::{path::PathBuf, sync::Arc};

use super::{Reader, Section, Setting, Variable, forms};
use crate::domain::statistics::Calendar;

/// The environment in which the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

pub(super) const ENVIRONMENT: Setting<Environment> = Setting {
    variable: Variable {
        name: "WARDLINE_ENV",
        default: "development",
        form: "development or production",
        meaning: "production is stricter: it needs secrets and a database, and shows less",
    },
    parse: |text| {
        let words = [
            ("development", Environment::Development),
            ("production", Environment::Production),
        ];
        forms::one_of(text, words)
    },
};

const DATA_DIR: Setting<PathBuf> = Setting {
    variable: Variable {
        name: "DATA_DIR",
        default: "./data",
        form: "a path",
        meaning: "where the managed mongod, the generated secret and the search index live",
    },
    parse: forms::path,
};

const TIME_ZONE: Setting<Calendar> = Setting {
    variable: Variable {
        name: "TIME_ZONE",
        default: "UTC",
        form: "a name such as Asia/Shanghai",
        meaning: "where the hospital stands, for days in statistics and searches",
    },
    parse: |text| Calendar::of(text).ok(),
};

/// The settings that concern all parts.
#[derive(Debug, Clone)]
pub struct GeneralSettings {
    pub environment: Environment,
    pub data_dir: PathBuf,
    /// The hospital's time zone and days.
    pub calendar: Arc<Calendar>,
}

impl Section for GeneralSettings {
    const TITLE: &'static str = "General";
    const VARIABLES: &'static [Variable] =
        &[ENVIRONMENT.variable, DATA_DIR.variable, TIME_ZONE.variable];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = reader.value(&ENVIRONMENT);
        let data_dir = reader.value(&DATA_DIR);
        let calendar = reader.value(&TIME_ZONE);
        Some(Self {
            environment: environment?,
            data_dir: data_dir?,
            calendar: Arc::new(calendar?),
        })
    }
}
