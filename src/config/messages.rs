//! What may be done with messages, and what alerts show of them.

use std::time::Duration;

use super::{Environment, Reader, Section, Setting, Variable, forms};

/// The most content of a message that an alert on a screen may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertContent {
    /// Only that there is a new message.
    Nothing,
    /// The sender and the conversation.
    Sender,
    /// The text.
    Text,
}

impl AlertContent {
    const ALL: [Self; 3] = [Self::Nothing, Self::Sender, Self::Text];

    /// Returns the name in the settings and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AlertContent::Nothing => "none",
            AlertContent::Sender => "sender",
            AlertContent::Text => "text",
        }
    }
}

const RECALL_WINDOW: Setting<Duration> = Setting {
    variable: Variable {
        name: "RECALL_WINDOW",
        default: "2m",
        form: forms::DURATION,
        meaning: "how long a message may be recalled",
    },
    parse: forms::duration,
};

const EDIT_WINDOW: Setting<Duration> = Setting {
    variable: Variable {
        name: "EDIT_WINDOW",
        default: "24h",
        form: forms::DURATION,
        meaning: "how long a message may be edited",
    },
    parse: forms::duration,
};

const NOTIFY_CONTENT_MAX: Setting<AlertContent> = Setting {
    variable: Variable {
        name: "NOTIFY_CONTENT_MAX",
        default: "",
        form: "none, sender or text",
        meaning: "the most that alerts show; in production sender, else text",
    },
    parse: |text| {
        forms::one_of(
            text,
            AlertContent::ALL.map(|content| (content.as_str(), content)),
        )
    },
};

/// The settings of messages.
#[derive(Debug, Clone)]
pub struct MessageSettings {
    pub recall_window: Duration,
    pub edit_window: Duration,
    pub notify_content_max: AlertContent,
}

impl Section for MessageSettings {
    const TITLE: &'static str = "Messages";
    const VARIABLES: &'static [Variable] = &[
        RECALL_WINDOW.variable,
        EDIT_WINDOW.variable,
        NOTIFY_CONTENT_MAX.variable,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let recall_window = reader.value(&RECALL_WINDOW);
        let edit_window = reader.value(&EDIT_WINDOW);
        let notify_content_max = reader.optional(&NOTIFY_CONTENT_MAX);
        let by_default = match reader.environment() {
            Environment::Development => AlertContent::Text,
            Environment::Production => AlertContent::Sender,
        };
        Some(Self {
            recall_window: recall_window?,
            edit_window: edit_window?,
            notify_content_max: notify_content_max?.unwrap_or(by_default),
        })
    }
}
