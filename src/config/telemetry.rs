//! Logs and metrics.

use super::{Reader, Section, Setting, Variable, forms};

/// The shortest token that opens `/metrics`.
const MIN_TOKEN_BYTES: usize = 16;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

const LOG: Setting<String> = Setting {
    variable: Variable {
        name: "LOG",
        default: "info",
        form: "a level or part=level",
        meaning: "error, warn, info, debug, trace or off; a part is such as wardline::store=debug",
    },
    parse: forms::log_filter,
};

const LOG_FORMAT: Setting<LogFormat> = Setting {
    variable: Variable {
        name: "LOG_FORMAT",
        default: "text",
        form: "text or json",
        meaning: "the format of log lines",
    },
    parse: |text| forms::one_of(text, [("text", LogFormat::Text), ("json", LogFormat::Json)]),
};

const METRICS_TOKEN: Variable = Variable {
    name: "METRICS_TOKEN",
    default: "",
    form: "at least 16 bytes",
    meaning: "a bearer token that opens /metrics to others than loopback",
};

const METRICS_TOKEN_FILE: Variable = Variable {
    name: "METRICS_TOKEN_FILE",
    default: "",
    form: forms::SECRET_FILE,
    meaning: "a file that holds it",
};

/// The settings of logs and metrics.
#[derive(Clone)]
pub struct TelemetrySettings {
    pub log: String,
    pub log_format: LogFormat,
    pub metrics_token: Option<String>,
}

impl Section for TelemetrySettings {
    const TITLE: &'static str = "Logs and metrics";
    const VARIABLES: &'static [Variable] = &[
        LOG.variable,
        LOG_FORMAT.variable,
        METRICS_TOKEN,
        METRICS_TOKEN_FILE,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let log = reader.value(&LOG);
        let log_format = reader.value(&LOG_FORMAT);
        let metrics_token = read_metrics_token(reader);
        Some(Self {
            log: log?,
            log_format: log_format?,
            metrics_token: metrics_token?,
        })
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one says that there is a problem"
)]
fn read_metrics_token(reader: &mut Reader<'_>) -> Option<Option<String>> {
    let Some(token) = reader.secret(&METRICS_TOKEN, &METRICS_TOKEN_FILE)? else {
        return Some(None);
    };
    let token = token.trim().to_owned();
    let short = (token.len() < MIN_TOKEN_BYTES)
        .then(|| format!("must have at least {MIN_TOKEN_BYTES} bytes"));
    let pattern = forms::find_pattern(&token, reader.environment());
    let is_good = short.is_none() && pattern.is_none();
    for problem in [short, pattern].into_iter().flatten() {
        reader.add_problem(format!("METRICS_TOKEN {problem}"));
    }
    is_good.then_some(Some(token))
}
