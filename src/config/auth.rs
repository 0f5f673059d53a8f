//! Tokens, registration, the first admin, shared stations.

use std::time::Duration;

use super::{Environment, Reader, Section, Setting, Variable, forms};
use crate::domain::{password, user};

/// The shortest secret that signs tokens.
const MIN_SECRET_BYTES: usize = 32;

const JWT_SECRET: Variable = Variable {
    name: "JWT_SECRET",
    default: "",
    form: "at least 32 bytes",
    meaning: "signs tokens; required in production, else made once and kept in DATA_DIR",
};

const JWT_SECRET_FILE: Variable = Variable {
    name: "JWT_SECRET_FILE",
    default: "",
    form: forms::SECRET_FILE,
    meaning: "a file that holds it",
};

const JWT_TTL: Setting<Duration> = Setting {
    variable: Variable {
        name: "JWT_TTL",
        default: "12h",
        form: forms::DURATION,
        meaning: "how long a token lives",
    },
    parse: forms::duration,
};

const JWT_AUDIENCE: Setting<String> = Setting {
    variable: Variable {
        name: "JWT_AUDIENCE",
        default: "wardline",
        form: forms::TEXT,
        meaning: "what a token's aud must name, if it has one",
    },
    parse: forms::name,
};

const JWT_ISSUERS: Setting<String> = Setting {
    variable: Variable {
        name: "JWT_ISSUERS",
        default: "",
        form: "a list of names",
        meaning: "whose tokens hold besides its own; without it all that the secret signs",
    },
    parse: forms::name,
};

const REGISTRATION: Setting<bool> = Setting {
    variable: Variable {
        name: "REGISTRATION",
        default: "",
        form: "open or closed",
        meaning: "whether people may register themselves; closed in production, else open",
    },
    parse: forms::open_or_closed,
};

const GUESTS: Setting<bool> = Setting {
    variable: Variable {
        name: "GUESTS",
        default: "on",
        form: "on or off",
        meaning: "whether people may come in as guests, without an account",
    },
    parse: forms::on_or_off,
};

const GUEST_TTL: Setting<Duration> = Setting {
    variable: Variable {
        name: "GUEST_TTL",
        default: "24h",
        form: forms::DURATION,
        meaning: "how long a guest's token lives",
    },
    parse: forms::duration,
};

const AUTO_LOGOFF: Setting<Option<Duration>> = Setting {
    variable: Variable {
        name: "AUTO_LOGOFF",
        default: "30m",
        form: "a duration such as 30m, or off",
        meaning: "a station that is nobody's own signs out after so long without use",
    },
    parse: |text| match text {
        "off" => Some(None),
        _ => forms::duration(text).map(Some),
    },
};

const ADMIN_USERNAME: Variable = Variable {
    name: "ADMIN_USERNAME",
    default: "",
    form: "3 to 32 letters, digits, . _ -",
    meaning: "with ADMIN_PASSWORD: the first admin, made when there is none",
};

const ADMIN_PASSWORD: Variable = Variable {
    name: "ADMIN_PASSWORD",
    default: "",
    form: "a password as the service asks of people",
    meaning: "see ADMIN_USERNAME",
};

const ADMIN_PASSWORD_FILE: Variable = Variable {
    name: "ADMIN_PASSWORD_FILE",
    default: "",
    form: forms::SECRET_FILE,
    meaning: "a file that holds it",
};

/// The settings of accounts and tokens.
#[derive(Clone)]
pub struct AuthSettings {
    pub jwt_secret: Option<String>,
    pub jwt_ttl: Duration,
    pub jwt_audience: String,
    pub jwt_issuers: Vec<String>,
    pub registration_open: bool,
    /// Whether people may come in as guests.
    pub guests: bool,
    pub guest_ttl: Duration,
    /// A shared station signs out after this time without use; `None` never.
    pub auto_logoff: Option<Duration>,
    /// Name and password.
    pub first_admin: Option<(String, String)>,
}

impl Section for AuthSettings {
    const TITLE: &'static str = "Accounts and tokens";
    const VARIABLES: &'static [Variable] = &[
        JWT_SECRET,
        JWT_SECRET_FILE,
        JWT_TTL.variable,
        JWT_AUDIENCE.variable,
        JWT_ISSUERS.variable,
        REGISTRATION.variable,
        GUESTS.variable,
        GUEST_TTL.variable,
        AUTO_LOGOFF.variable,
        ADMIN_USERNAME,
        ADMIN_PASSWORD,
        ADMIN_PASSWORD_FILE,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let jwt_secret = read_jwt_secret(reader);
        let jwt_ttl = reader.value(&JWT_TTL);
        let jwt_audience = reader.value(&JWT_AUDIENCE);
        let jwt_issuers = reader.list(&JWT_ISSUERS);
        let registration_open = reader.optional(&REGISTRATION);
        let guests = reader.value(&GUESTS);
        let guest_ttl = reader.value(&GUEST_TTL);
        let by_default = reader.environment() == Environment::Development;
        let auto_logoff = reader.value(&AUTO_LOGOFF);
        let first_admin = read_first_admin(reader);
        Some(Self {
            jwt_secret: jwt_secret?,
            jwt_ttl: jwt_ttl?,
            jwt_audience: jwt_audience?,
            jwt_issuers: jwt_issuers?,
            registration_open: registration_open?.unwrap_or(by_default),
            guests: guests?,
            guest_ttl: guest_ttl?,
            auto_logoff: auto_logoff?,
            first_admin: first_admin?,
        })
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one says that there is a problem"
)]
fn read_jwt_secret(reader: &mut Reader<'_>) -> Option<Option<String>> {
    let environment = reader.environment();
    let Some(secret) = reader.secret(&JWT_SECRET, &JWT_SECRET_FILE)? else {
        if environment == Environment::Production {
            reader.add_problem("JWT_SECRET is required in production");
            return None;
        }
        return Some(None);
    };
    let secret = secret.trim().to_owned();
    let short = (secret.len() < MIN_SECRET_BYTES)
        .then(|| format!("must have at least {MIN_SECRET_BYTES} bytes"));
    let pattern = forms::find_pattern(&secret, environment);
    let is_good = short.is_none() && pattern.is_none();
    for problem in [short, pattern].into_iter().flatten() {
        reader.add_problem(format!("JWT_SECRET {problem}"));
    }
    is_good.then_some(Some(secret))
}

#[expect(
    clippy::option_option,
    reason = "the outer one says that there is a problem"
)]
fn read_first_admin(reader: &mut Reader<'_>) -> Option<Option<(String, String)>> {
    let name = reader.text(&ADMIN_USERNAME);
    let (name, password) = match (name, reader.secret(&ADMIN_PASSWORD, &ADMIN_PASSWORD_FILE)?) {
        (Some(name), Some(password)) => (name, password),
        (None, None) => return Some(None),
        (Some(_), None) | (None, Some(_)) => {
            reader.add_problem("ADMIN_USERNAME and ADMIN_PASSWORD go together");
            return None;
        }
    };
    let is_name = user::is_valid_username(&name);
    if !is_name {
        reader.add_problem(format!("ADMIN_USERNAME must be {}", ADMIN_USERNAME.form));
    }
    let problem = password::find_problem(&password, &name, &name);
    let is_good = is_name && problem.is_none();
    if let Some(problem) = problem {
        reader.add_problem(format!("ADMIN_PASSWORD {}", problem.text));
    }
    is_good.then_some(Some((name, password)))
}
