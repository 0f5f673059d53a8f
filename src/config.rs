//! The settings: the only reader of the environment. Each part of the service has a [`Section`]
//! with its variables. All are checked once, at start, and every bad one is named.

pub mod auth;
pub mod database;
pub mod files;
pub mod forms;
pub mod general;
pub mod limits;
pub mod listen;
pub mod listeners;
pub mod messages;
mod networks;
pub mod people;
mod reader;
mod secret_file;
mod section;
mod table;
pub mod telemetry;
mod timings;

use std::{any::TypeId, collections::BTreeMap, fmt, time::Duration};

pub use general::Environment;
pub use reader::Reader;
pub use section::{Section, SectionEntry, Setting, Variable};
pub use table::to_markdown;
pub use telemetry::LogFormat;
pub use timings::Timings;

use auth::AuthSettings;
use database::DatabaseSettings;
use files::FileSettings;
use general::GeneralSettings;
use limits::LimitSettings;
use listen::ListenSettings;
use messages::MessageSettings;
use people::PeopleSettings;
use section::StoredSection;
use telemetry::TelemetrySettings;

/// The sections of the core, in the order of the table of settings.
const CORE_SECTIONS: [SectionEntry; 9] = [
    SectionEntry::of::<ListenSettings>(),
    SectionEntry::of::<DatabaseSettings>(),
    SectionEntry::of::<AuthSettings>(),
    SectionEntry::of::<PeopleSettings>(),
    SectionEntry::of::<MessageSettings>(),
    SectionEntry::of::<FileSettings>(),
    SectionEntry::of::<LimitSettings>(),
    SectionEntry::of::<TelemetrySettings>(),
    SectionEntry::of::<GeneralSettings>(),
];

/// All settings of the operator.
#[derive(Clone)]
pub struct Settings {
    pub listen: ListenSettings,
    pub database: DatabaseSettings,
    pub auth: AuthSettings,
    pub people: PeopleSettings,
    pub messages: MessageSettings,
    pub files: FileSettings,
    pub limits: LimitSettings,
    pub telemetry: TelemetrySettings,
    pub general: GeneralSettings,
    pub timings: Timings,
    /// The sections of gateways.
    sections: BTreeMap<TypeId, StoredSection>,
}

// Secrets stay out of logs.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.listen.host)
            .field("port", &self.listen.port)
            .field("database", &self.database.name)
            .field("environment", &self.general.environment)
            .finish_non_exhaustive()
    }
}

/// Every bad value, with the variable's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad configuration: {}", .0.join("; "))]
pub struct BadSettings(pub Vec<String>);

/// Parses how far back a command reads, in the form of the settings' durations.
///
/// # Errors
/// A text that describes the wanted form.
pub fn duration(text: &str) -> Result<Duration, String> {
    forms::duration(text)
        .ok_or_else(|| "a duration such as 24h or 7d is wanted, in d, h, m and s".to_owned())
}

/// Returns the sections of the core and of gateways, in the order of the table of settings.
fn all_sections(of_gateways: &[SectionEntry]) -> impl Iterator<Item = SectionEntry> {
    CORE_SECTIONS.into_iter().chain(of_gateways.iter().copied())
}

impl Settings {
    /// Reads and checks the process's environment.
    ///
    /// # Errors
    /// [`BadSettings`], which names every bad variable.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_environment(of_gateways: &[SectionEntry]) -> Result<Self, BadSettings> {
        let (mut known, mut problems) = (BTreeMap::new(), Vec::new());
        for variable in all_sections(of_gateways).flat_map(|section| section.variables) {
            let name = variable.name;
            let Some(value) = std::env::var_os(name) else {
                continue;
            };
            match value.into_string() {
                Ok(value) => drop(known.insert(name.to_owned(), value)),
                // Only a folder's name may contain other bytes, and those folders are not searched.
                Err(value) if name == database::PATH.name => {
                    drop(known.insert(name.to_owned(), value.to_string_lossy().into_owned()));
                }
                Err(_) => problems.push(format!("{name} must be text in UTF-8")),
            }
        }
        match Self::from_values(&known, of_gateways) {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(BadSettings(problems)),
            Err(BadSettings(others)) => Err(BadSettings([problems, others].concat())),
        }
    }

    /// Checks the given variables.
    ///
    /// # Errors
    /// [`BadSettings`], which names every bad variable.
    pub fn from_values(
        values: &BTreeMap<String, String>,
        of_gateways: &[SectionEntry],
    ) -> Result<Self, BadSettings> {
        let mut reader = Reader::new(values);
        let settings = Self::read(&mut reader, of_gateways);
        reader.finish(settings)
    }

    fn read(reader: &mut Reader<'_>, of_gateways: &[SectionEntry]) -> Option<Self> {
        // Every section is read before the first `?`, so that all problems are named.
        let listen = ListenSettings::read(reader);
        let database = DatabaseSettings::read(reader);
        let auth = AuthSettings::read(reader);
        let people = PeopleSettings::read(reader);
        let messages = MessageSettings::read(reader);
        let files = FileSettings::read(reader);
        let limits = LimitSettings::read(reader);
        let telemetry = TelemetrySettings::read(reader);
        let general = GeneralSettings::read(reader);
        let mut sections = BTreeMap::new();
        let mut all_read = true;
        for entry in of_gateways {
            match (entry.read)(reader) {
                Some(section) => drop(sections.insert(entry.id, section)),
                None => all_read = false,
            }
        }
        let settings = Self {
            listen: listen?,
            database: database?,
            auth: auth?,
            people: people?,
            messages: messages?,
            files: files?,
            limits: limits?,
            telemetry: telemetry?,
            general: general?,
            timings: Timings::default(),
            sections,
        };
        all_read.then_some(settings)
    }

    /// Returns a gateway's section; `None` when `app` does not list it.
    #[must_use]
    pub fn section<S: Section>(&self) -> Option<&S> {
        self.sections.get(&TypeId::of::<S>())?.downcast_ref()
    }
}

#[cfg(test)]
mod tests;
