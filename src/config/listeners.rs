//! Further listeners, each with a profile, and what all of them share: demonstration rights and the
//! life of a WebSocket.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use ipnet::IpNet;

use super::{
    Environment, Reader, Section, Setting, Variable, forms,
    listen::{HOST, PORT},
    networks,
};

/// What a listener serves: `/health`, `/stats`, and what an undecided `/ws` speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerProfile {
    Main,
    Msgnexus,
    Gochat,
    Mychat,
    Rpc,
    Servicedesk,
}

/// One address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerConfig {
    pub profile: ListenerProfile,
    /// The variable that named the port. A start that fails names it, and it tells listeners of
    /// one profile apart.
    pub variable: &'static str,
    pub host: IpAddr,
    pub port: u16,
}

const fn further_port(name: &'static str, meaning: &'static str) -> Setting<u16> {
    Setting {
        variable: Variable {
            name,
            default: "",
            form: "a port number",
            meaning,
        },
        parse: forms::port,
    }
}

/// The further ports with their profiles, in the order of the table.
const FURTHER_PORTS: [(Setting<u16>, ListenerProfile); 7] = [
    (
        further_port("API_PORT", "msgnexus: the REST API; 3030 in the original"),
        ListenerProfile::Msgnexus,
    ),
    (
        further_port("REALTIME_PORT", "msgnexus: the rooms; 3031 in the original"),
        ListenerProfile::Msgnexus,
    ),
    (
        further_port("GOCHAT_PORT", "gochat; 8080 in the original"),
        ListenerProfile::Gochat,
    ),
    (
        further_port("MYCHAT_PORT", "mychat; 8080 in the original"),
        ListenerProfile::Mychat,
    ),
    (
        further_port(
            "SEAKING_PORT",
            "JSON-RPC of mychat's accounts; 8081 in the original",
        ),
        ListenerProfile::Rpc,
    ),
    (
        further_port(
            "RELAY_PORT",
            "JSON-RPC of mychat's messages; 8082 in the original",
        ),
        ListenerProfile::Rpc,
    ),
    (
        further_port("DESK_PORT", "the service desk; 6006 in the original"),
        ListenerProfile::Servicedesk,
    ),
];

const RPC_HOST: Setting<IpAddr> = Setting {
    variable: Variable {
        name: "RPC_HOST",
        default: "127.0.0.1",
        form: "an IP address",
        meaning: "the address on which SEAKING_PORT and RELAY_PORT listen",
    },
    parse: |text| text.parse().ok(),
};

const DEMO: Setting<bool> = Setting {
    variable: Variable {
        name: "DEMO",
        default: "off",
        form: "on or off",
        meaning: "serves demonstration guests without a credential; never in production",
    },
    parse: forms::on_or_off,
};

const DEMO_FROM: Setting<Result<IpNet, String>> = Setting {
    variable: Variable {
        name: "DEMO_FROM",
        default: "",
        form: "a list of addresses or networks",
        meaning: "from where demonstration guests may come, besides this machine",
    },
    // Each problem has its own text.
    parse: |text| Some(networks::network(text)),
};

const WS_PING: Setting<Duration> = Setting {
    variable: Variable {
        name: "WS_PING",
        default: "15s",
        form: forms::DURATION,
        meaning: "a silent WebSocket is pinged after so long",
    },
    parse: forms::duration,
};

const WS_TIMEOUT: Setting<Duration> = Setting {
    variable: Variable {
        name: "WS_TIMEOUT",
        default: "60s",
        form: forms::DURATION,
        meaning: "a silent WebSocket is closed after so long; more than WS_PING",
    },
    parse: forms::duration,
};

/// The settings that the listeners of all gateways share.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// All listeners; the main one is the first.
    pub listeners: Vec<ListenerConfig>,
    pub demo: bool,
    pub demo_from: Vec<IpNet>,
    pub ws_ping: Duration,
    pub ws_timeout: Duration,
}

impl Section for ListenerSettings {
    const TITLE: &'static str = "Listeners of gateways";
    const VARIABLES: &'static [Variable] = &[
        FURTHER_PORTS[0].0.variable,
        FURTHER_PORTS[1].0.variable,
        FURTHER_PORTS[2].0.variable,
        FURTHER_PORTS[3].0.variable,
        FURTHER_PORTS[4].0.variable,
        FURTHER_PORTS[5].0.variable,
        FURTHER_PORTS[6].0.variable,
        RPC_HOST.variable,
        DEMO.variable,
        DEMO_FROM.variable,
        WS_PING.variable,
        WS_TIMEOUT.variable,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let listeners = read_listeners(reader);
        let demo = reader.value(&DEMO);
        if demo == Some(true) && reader.environment() == Environment::Production {
            reader.add_problem("DEMO must be off in production");
        }
        let demo_from = networks::read_networks(reader, &DEMO_FROM);
        let (ws_ping, ws_timeout) = (reader.value(&WS_PING), reader.value(&WS_TIMEOUT));
        if let (Some(ping), Some(timeout)) = (ws_ping, ws_timeout)
            && timeout <= ping
        {
            reader.add_problem("WS_TIMEOUT must be more than WS_PING");
        }
        Some(Self {
            listeners: listeners?,
            demo: demo?,
            demo_from: demo_from?,
            ws_ping: ws_ping?,
            ws_timeout: ws_timeout?,
        })
    }
}

fn read_listeners(reader: &mut Reader<'_>) -> Option<Vec<ListenerConfig>> {
    let (host, rpc_host) = (reader.value(&HOST), reader.value(&RPC_HOST));
    let main = reader.value(&PORT).map(Some);
    let further = FURTHER_PORTS.map(|(setting, profile)| {
        let port = reader.optional(&setting);
        (setting.variable.name, profile, port)
    });
    let (host, rpc_host) = (host?, rpc_host?);
    let mut listeners = Vec::new();
    let mut variables = BTreeMap::new();
    let all = [(PORT.variable.name, ListenerProfile::Main, main)];
    for (variable, profile, port) in all.into_iter().chain(further) {
        let Some(port) = port? else {
            continue;
        };
        // Each 0 takes a port of its own.
        if port != 0
            && let Some(other) = variables.insert(port, variable)
        {
            reader.add_problem(format!("{variable} must not be the port of {other}"));
        }
        let host = if profile == ListenerProfile::Rpc {
            rpc_host
        } else {
            host
        };
        listeners.push(ListenerConfig {
            profile,
            variable,
            host,
            port,
        });
    }
    Some(listeners)
}

#[cfg(test)]
mod tests {
    use super::{super::BadSettings, *};

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        match ListenerSettings::for_test(pairs) {
            Ok(_) => Vec::new(),
            Err(BadSettings(problems)) => problems,
        }
    }

    #[test]
    fn only_the_main_port_is_open_by_default() {
        let settings = ListenerSettings::for_test(&[]).unwrap();
        let main = ListenerConfig {
            profile: ListenerProfile::Main,
            variable: "PORT",
            host: IpAddr::from([127, 0, 0, 1]),
            port: 3000,
        };
        assert_eq!(settings.listeners, [main]);
        assert!(!settings.demo && settings.demo_from.is_empty());
        assert_eq!(settings.ws_ping, Duration::from_secs(15));
        assert_eq!(settings.ws_timeout, Duration::from_mins(1));
    }

    #[test]
    fn each_variable_opens_a_port_with_its_profile() {
        let settings = ListenerSettings::for_test(&[
            ("HOST", "0.0.0.0"),
            ("API_PORT", "3030"),
            ("REALTIME_PORT", "3031"),
            ("GOCHAT_PORT", "8090"),
            ("MYCHAT_PORT", "8080"),
            ("SEAKING_PORT", "8081"),
            ("RELAY_PORT", "8082"),
            ("DESK_PORT", "6006"),
        ])
        .unwrap();
        let found: Vec<_> = settings
            .listeners
            .iter()
            .map(|listener| (listener.variable, listener.profile, listener.port))
            .collect();
        assert_eq!(
            found,
            [
                ("PORT", ListenerProfile::Main, 3000),
                ("API_PORT", ListenerProfile::Msgnexus, 3030),
                ("REALTIME_PORT", ListenerProfile::Msgnexus, 3031),
                ("GOCHAT_PORT", ListenerProfile::Gochat, 8090),
                ("MYCHAT_PORT", ListenerProfile::Mychat, 8080),
                ("SEAKING_PORT", ListenerProfile::Rpc, 8081),
                ("RELAY_PORT", ListenerProfile::Rpc, 8082),
                ("DESK_PORT", ListenerProfile::Servicedesk, 6006),
            ]
        );
        for listener in settings.listeners {
            let is_rpc = listener.profile == ListenerProfile::Rpc;
            assert_eq!(listener.host.is_loopback(), is_rpc, "{listener:?}");
        }
    }

    #[test]
    fn the_host_of_rpc_is_its_own() {
        let pairs = [("SEAKING_PORT", "8081"), ("RPC_HOST", "::1")];
        let settings = ListenerSettings::for_test(&pairs).unwrap();
        let hosts = settings.listeners.iter().map(|listener| listener.host);
        let hosts: Vec<String> = hosts.map(|host| host.to_string()).collect();
        assert_eq!(hosts, ["127.0.0.1", "::1"]);
    }

    #[test]
    fn one_port_has_one_variable() {
        assert_eq!(
            problems(&[("GOCHAT_PORT", "8080"), ("MYCHAT_PORT", "8080")]),
            ["MYCHAT_PORT must not be the port of GOCHAT_PORT"]
        );
        assert_eq!(
            problems(&[("DESK_PORT", "3000")]),
            ["DESK_PORT must not be the port of PORT"]
        );
        let free = [("PORT", "0"), ("DESK_PORT", "0"), ("API_PORT", "0")];
        assert_eq!(problems(&free), [""; 0], "each takes a free one");
    }

    #[test]
    fn every_wrong_value_is_named() {
        for (name, value) in [
            ("API_PORT", "http"),
            ("REALTIME_PORT", "-1"),
            ("GOCHAT_PORT", "65536"),
            ("MYCHAT_PORT", "x"),
            ("SEAKING_PORT", "1.5"),
            ("RELAY_PORT", "8082 8083"),
            ("DESK_PORT", "desk"),
            ("RPC_HOST", "localhost"),
            ("DEMO", "yes"),
            ("DEMO_FROM", "0.0.0.0/0"),
            ("WS_PING", "1ms"),
            ("WS_TIMEOUT", "15s"),
        ] {
            let named = problems(&[(name, value)]);
            assert!(
                named.len() == 1 && named[0].starts_with(name),
                "{name}={value}: {named:?}"
            );
        }
    }

    #[test]
    fn production_has_no_demonstration() {
        let production = ("WARDLINE_ENV", "production");
        assert_eq!(
            problems(&[production, ("DEMO", "on")]),
            ["DEMO must be off in production"]
        );
        assert_eq!(problems(&[production, ("DEMO", "off")]), [""; 0]);
        assert!(ListenerSettings::for_test(&[("DEMO", "on")]).unwrap().demo);
    }
}
