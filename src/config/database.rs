//! Where MongoDB is, or which one the service manages.

use std::{ffi::OsString, path::PathBuf};

use super::{Environment, Reader, Section, Setting, Variable, forms};

const MONGODB_URI: Variable = Variable {
    name: "MONGODB_URI",
    default: "",
    form: "a mongodb:// address",
    meaning: "a replica set; without it the service starts and stops a mongod of its own",
};

const MONGODB_URI_FILE: Variable = Variable {
    name: "MONGODB_URI_FILE",
    default: "",
    form: forms::SECRET_FILE,
    meaning: "a file that holds it",
};

const MONGODB_DB: Setting<String> = Setting {
    variable: Variable {
        name: "MONGODB_DB",
        default: "wardline",
        form: "a database name: at most 38 letters, digits, _ and -, and none of MongoDB's own",
        meaning: "the database, unless the path of MONGODB_URI says it",
    },
    parse: forms::database,
};

const MANAGED_MONGOD: Setting<()> = Setting {
    variable: Variable {
        name: "MANAGED_MONGOD",
        default: "",
        form: "allow, or not set",
        meaning: "a mongod of the service's own in production, too",
    },
    parse: |text| forms::one_of(text, [("allow", ())]),
};

const WARDLINE_MONGOD: Setting<PathBuf> = Setting {
    variable: Variable {
        name: "WARDLINE_MONGOD",
        default: "",
        form: "a path",
        meaning: "the mongod to manage, instead of one on PATH or in .mongod/",
    },
    parse: forms::path,
};

/// The search path of programs is not a setting of the service's own.
pub(super) const PATH: Variable = Variable {
    name: "PATH",
    default: "",
    form: "a list of folders",
    meaning: "searched for a mongod",
};

/// The settings of the database.
#[derive(Clone)]
pub struct DatabaseSettings {
    pub uri: Option<String>,
    pub name: String,
    /// Whether only the path of the address names the database.
    pub is_named_by_uri: bool,
    /// The mongod to manage.
    pub mongod: Option<PathBuf>,
    /// The folders that are searched for a mongod.
    pub search_path: Option<OsString>,
}

impl Section for DatabaseSettings {
    const TITLE: &'static str = "Database";
    const VARIABLES: &'static [Variable] = &[
        MONGODB_URI,
        MONGODB_URI_FILE,
        MONGODB_DB.variable,
        MANAGED_MONGOD.variable,
        WARDLINE_MONGOD.variable,
        PATH,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let uri = read_uri(reader);
        let by_address = uri.clone().flatten();
        let name = read_name(reader, by_address.as_deref());
        let mongod = reader.optional(&WARDLINE_MONGOD);
        let search_path = reader.text(&PATH).map(Into::into);
        let (name, is_named_by_uri) = name?;
        Some(Self {
            uri: uri?,
            name,
            is_named_by_uri,
            mongod: mongod?,
            search_path,
        })
    }
}

/// Returns the address of MongoDB. Without one the service manages its own mongod, which is for
/// development.
#[expect(
    clippy::option_option,
    reason = "the outer one says that there is a problem"
)]
fn read_uri(reader: &mut Reader<'_>) -> Option<Option<String>> {
    let may_manage = reader.optional(&MANAGED_MONGOD);
    let uri = reader.secret(&MONGODB_URI, &MONGODB_URI_FILE)?;
    let uri = uri.map(|uri| uri.trim().to_owned());
    match &uri {
        Some(uri) if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") => {
            reader.add_problem("MONGODB_URI must be a mongodb:// address");
            return None;
        }
        None if reader.environment() == Environment::Production && may_manage?.is_none() => {
            reader.add_problem(
                "MONGODB_URI is required in production; MANAGED_MONGOD=allow lets the service manage a \
                 mongod of its own all the same",
            );
            return None;
        }
        _ => may_manage?,
    };
    Some(uri)
}

/// Returns the database's name, and whether only the address named it.
fn read_name(reader: &mut Reader<'_>, uri: Option<&str>) -> Option<(String, bool)> {
    let named = reader.optional(&MONGODB_DB);
    let by_address = uri.and_then(forms::database_of);
    let Variable { default, form, .. } = MONGODB_DB.variable;
    if let Some(path) = by_address
        && forms::database(path).is_none()
    {
        reader.add_problem(format!("MONGODB_URI must name {form}"));
        return None;
    }
    match (named?, by_address) {
        (Some(named), Some(path)) if named != path => {
            reader.add_problem(format!(
                "MONGODB_DB is {named}, but MONGODB_URI names the database {path}: they must agree"
            ));
            None
        }
        (Some(named), _) => Some((named, false)),
        (None, Some(path)) => Some((path.to_owned(), path != default)),
        (None, None) => Some((default.to_owned(), false)),
    }
}
