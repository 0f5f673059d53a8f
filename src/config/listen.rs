//! The address to listen on, and who may call from where.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Environment, Reader, Section, Setting, Variable, forms, networks};

const ORIGIN: &str = "an origin such as https://ward.example";

pub(super) const HOST: Setting<IpAddr> = Setting {
    variable: Variable {
        name: "HOST",
        default: "127.0.0.1",
        form: "an IP address",
        meaning: "the address to listen on",
    },
    parse: |text| text.parse().ok(),
};

pub(super) const PORT: Setting<u16> = Setting {
    variable: Variable {
        name: "PORT",
        default: "3000",
        form: "a port number",
        meaning: "the port to listen on; 0 takes a free one",
    },
    parse: forms::port,
};

const CORS_ORIGINS: Setting<String> = Setting {
    variable: Variable {
        name: "CORS_ORIGINS",
        default: "",
        form: ORIGIN,
        meaning: "comma list of web origins that may call; the service's own always may",
    },
    parse: forms::origin,
};

const FRONTEND_URL: Setting<String> = Setting {
    variable: Variable {
        name: "FRONTEND_URL",
        default: "",
        form: ORIGIN,
        meaning: "one more allowed origin",
    },
    parse: forms::origin,
};

const PUBLIC_HOSTS: Setting<String> = Setting {
    variable: Variable {
        name: "PUBLIC_HOSTS",
        default: "",
        form: "a list of host names",
        meaning: "the names this service goes by, for what comes straight from this machine",
    },
    parse: forms::host,
};

const TRUSTED_PROXIES: Setting<Result<IpNet, String>> = Setting {
    variable: Variable {
        name: "TRUSTED_PROXIES",
        default: "",
        form: "a list of addresses or networks",
        meaning: "whose X-Forwarded-… headers are believed; networks of at least /8, IPv6 /16",
    },
    // Each problem has its own text.
    parse: |text| Some(networks::network(text)),
};

const DOCS: Setting<bool> = Setting {
    variable: Variable {
        name: "DOCS",
        default: "",
        form: "open or closed",
        meaning: "whether /docs is there; by default only in development",
    },
    parse: forms::open_or_closed,
};

/// The settings of the listener and of the origins.
#[derive(Debug, Clone)]
pub struct ListenSettings {
    pub host: IpAddr,
    pub port: u16,
    /// Origins as a browser sends them: scheme, host, port.
    pub origins: Vec<String>,
    /// The names under which browsers on this machine may call the service: hosts, optionally with
    /// a port.
    pub public_hosts: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the API's description is shown at `/docs`.
    pub docs_open: bool,
}

impl Section for ListenSettings {
    const TITLE: &'static str = "Listening";
    const VARIABLES: &'static [Variable] = &[
        HOST.variable,
        PORT.variable,
        CORS_ORIGINS.variable,
        FRONTEND_URL.variable,
        PUBLIC_HOSTS.variable,
        TRUSTED_PROXIES.variable,
        DOCS.variable,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.value(&HOST);
        let port = reader.value(&PORT);
        let origins = reader.list(&CORS_ORIGINS);
        let frontend = reader.list(&FRONTEND_URL);
        let public_hosts = reader.list(&PUBLIC_HOSTS);
        let trusted_proxies = networks::read_networks(reader, &TRUSTED_PROXIES);
        let docs_open = reader.optional(&DOCS);
        let by_default = reader.environment() == Environment::Development;
        let (mut origins, mut public_hosts, frontend) = (origins?, public_hosts?, frontend?);
        public_hosts.extend(
            frontend
                .iter()
                .filter_map(|origin| Some(origin.split_once("://")?.1.to_owned())),
        );
        origins.extend(frontend);
        Some(Self {
            host: host?,
            port: port?,
            origins,
            public_hosts,
            trusted_proxies: trusted_proxies?,
            docs_open: docs_open?.unwrap_or(by_default),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontend_is_one_more_origin() {
        let settings = ListenSettings::for_test(&[
            ("CORS_ORIGINS", "https://a.example"),
            ("FRONTEND_URL", "http://localhost:5173/"),
        ])
        .unwrap();
        assert_eq!(
            settings.origins,
            ["https://a.example", "http://localhost:5173"]
        );
        assert_eq!(settings.public_hosts, ["localhost:5173"]);
    }
}
