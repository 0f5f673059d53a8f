//! The faults: each hits a cluster under load, holds, and heals; the history records when.

mod clients;
mod hostile;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use mongodb::bson::doc;
use rand::{Rng, rngs::StdRng};

use crate::kit::process::Signal;
use crate::{
    context::TestContext,
    database::{Database, Kind},
    history::{Heal, Moment, Rules},
    service::Node,
    workload::Workload,
};

/// All faults of the torture tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    KillService,
    RollingRestart,
    RollingNodes,
    KillMongod,
    StopMongod,
    SlowSync,
    Vanish,
    NeverReads,
    Hostile,
    Storm,
    StepDown,
    KillPrimary,
    DiskFull,
}

impl Fault {
    pub const ALL: [Fault; 13] = [
        Fault::KillService,
        Fault::RollingRestart,
        Fault::KillMongod,
        Fault::StopMongod,
        Fault::SlowSync,
        Fault::Vanish,
        Fault::NeverReads,
        Fault::Hostile,
        Fault::Storm,
        Fault::RollingNodes,
        Fault::StepDown,
        Fault::KillPrimary,
        Fault::DiskFull,
    ];
    /// The faults of the short run.
    pub const SHORT: [Fault; 6] = [
        Fault::KillService,
        Fault::KillMongod,
        Fault::SlowSync,
        Fault::Vanish,
        Fault::NeverReads,
        Fault::Hostile,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::KillService => "kill-service",
            Fault::RollingRestart => "rolling-restart",
            Fault::RollingNodes => "rolling-nodes",
            Fault::KillMongod => "kill-mongod",
            Fault::StopMongod => "stop-mongod",
            Fault::SlowSync => "slow-fsync",
            Fault::Vanish => "vanish",
            Fault::NeverReads => "never-reads",
            Fault::Hostile => "hostile",
            Fault::Storm => "storm",
            Fault::StepDown => "step-down",
            Fault::KillPrimary => "kill-primary",
            Fault::DiskFull => "disk-full",
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Fault::KillService => "kill -9 of the service, started again on its port",
            Fault::RollingRestart => "SIGTERM, started again on its port",
            Fault::RollingNodes => {
                "two nodes on one database, SIGTERM and start of one after the other"
            }
            Fault::KillMongod => "kill -9 of mongod, started again on its folder",
            Fault::StopMongod => "SIGSTOP of mongod for 10 to 20 s",
            Fault::SlowSync => "each fsync and fdatasync of mongod takes 300 ms more",
            Fault::Vanish => {
                "clients vanish in the middle of sending: frozen without FIN, or a reset"
            }
            Fault::NeverReads => {
                "a client with a small receive buffer never reads while much is sent to it"
            }
            Fault::Hostile => {
                "one account asks for history 1,200 times and reads nothing, holds heads and uploads, floods handshakes"
            }
            Fault::Storm => {
                "kill -9 of the service with 3,000 more connections, which all come back"
            }
            Fault::StepDown => "the primary of three members steps down",
            Fault::KillPrimary => "kill -9 of the primary of three members, started again later",
            Fault::DiskFull => {
                "mongod's disk fills up, is freed, mongod is started again if it ended"
            }
        }
    }

    pub fn kind(self) -> Kind {
        match self {
            Fault::StepDown | Fault::KillPrimary => Kind::Triple,
            Fault::DiskFull => Kind::Small,
            _ => Kind::Single,
        }
    }

    pub fn nodes(self) -> usize {
        if self == Fault::RollingNodes { 2 } else { 1 }
    }

    pub fn rules(self, recovery: Duration) -> Rules {
        let one_hub = self.nodes() == 1;
        Rules {
            one_hub,
            undisturbed: matches!(self, Fault::Vanish | Fault::NeverReads | Fault::Hostile),
            recovery: Moment::try_from(recovery.as_micros()).unwrap(),
            grace: if one_hub { 0 } else { 12_000_000 },
        }
    }

    /// The number of strikes in one round of a long run.
    pub fn times(self) -> usize {
        match self {
            Fault::KillService | Fault::KillMongod | Fault::StepDown | Fault::Vanish => 3,
            Fault::RollingRestart | Fault::RollingNodes | Fault::KillPrimary => 2,
            Fault::StopMongod
            | Fault::SlowSync
            | Fault::NeverReads
            | Fault::Hostile
            | Fault::Storm
            | Fault::DiskFull => 1,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The target of a fault.
pub struct Nemesis<'a> {
    pub database: &'a mut Database,
    pub nodes: &'a mut [Node],
    pub context: &'a Arc<TestContext>,
    pub workload: &'a Workload,
    pub is_long: bool,
    /// Notes for the report.
    pub notes: Vec<String>,
}

impl Nemesis<'_> {
    pub fn healed(&self, fault: Fault) {
        let heal = Heal {
            fault: fault.name().to_owned(),
            healed: self.context.now(),
        };
        self.context.record(|history| history.heals.push(heal));
    }

    /// Strikes, holds and heals once. An error says why it was not possible.
    pub async fn strike(&mut self, fault: Fault, rng: &mut StdRng) -> Result<(), String> {
        // After 5 s the service refuses waiting commands.
        let longest = if self.is_long { 8_000 } else { 2_500 };
        let hold = Duration::from_millis(rng.random_range(200..longest));
        match fault {
            Fault::KillService => {
                self.nodes[0].kill().await;
                tokio::time::sleep(hold).await;
                self.nodes[0].start_again();
                self.healed(fault);
                let begun = Instant::now();
                self.nodes[0].ready().await;
                self.notes.push(format!(
                    "well again after {:.1} s",
                    begun.elapsed().as_secs_f64()
                ));
            }
            Fault::RollingRestart | Fault::RollingNodes => {
                for node in self.nodes.iter_mut() {
                    if !node.terminate().await {
                        self.context
                            .odd("the service did not end within 40 s of SIGTERM".to_owned());
                    }
                    node.start_again();
                    let healed = self.context.now();
                    node.ready().await;
                    let heal = Heal {
                        fault: fault.name().to_owned(),
                        healed,
                    };
                    self.context.record(|history| history.heals.push(heal));
                    tokio::time::sleep(hold).await;
                }
            }
            Fault::KillMongod => {
                self.database.kill(0).await;
                tokio::time::sleep(hold).await;
                self.database.start_member(0);
                self.database.primary().await;
                self.healed(fault);
            }
            Fault::StopMongod => {
                let hold = Duration::from_millis(rng.random_range(10_000..20_000));
                self.database.signal(0, Signal::STOP);
                tokio::time::sleep(hold).await;
                self.database.signal(0, Signal::CONT);
                self.healed(fault);
            }
            Fault::SlowSync => {
                if !self.database.can_slow_syncs() {
                    return Err("the shim could not be compiled (needs cc)".to_owned());
                }
                let hold = Duration::from_secs(if self.is_long { 10 } else { 4 });
                self.database.slow_syncs(Some(Duration::from_millis(300)));
                tokio::time::sleep(hold).await;
                self.database.slow_syncs(None);
                self.healed(fault);
            }
            Fault::StepDown => {
                let primary = self.database.primary().await;
                let down = doc! { "replSetStepDown": 20, "secondaryCatchUpPeriodSecs": 5 };
                // It refuses while no secondary has caught up, as on a busy machine.
                while self.database.ask(primary, down.clone()).await.is_err()
                    && self.database.primary().await == primary
                {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                self.database.primary().await;
                self.healed(fault);
            }
            Fault::KillPrimary => {
                let primary = self.database.primary().await;
                self.database.kill(primary).await;
                self.database.primary().await;
                self.healed(fault);
                tokio::time::sleep(hold).await;
                self.database.start_missing();
            }
            Fault::DiskFull => self.fill_disk(hold).await,
            Fault::Vanish => {
                self.workload.vanish(rng);
                tokio::time::sleep(hold).await;
                self.healed(fault);
            }
            Fault::NeverReads => {
                clients::never_reads(self, rng).await;
                self.healed(fault);
            }
            Fault::Hostile => {
                hostile::attack(self).await;
                self.healed(fault);
            }
            Fault::Storm => clients::storm(self, rng).await,
        }
        Ok(())
    }

    async fn fill_disk(&mut self, hold: Duration) {
        self.database.fill(true);
        let begun = Instant::now();
        // A checkpoint still writes what fits in the journal.
        while begun.elapsed() < Duration::from_secs(15) && !self.database.has_ended(0) {
            let _ = self.database.ask(0, doc! { "fsync": 1 }).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let ended = self.database.has_ended(0);
        self.notes.push(
            if ended {
                "mongod ended"
            } else {
                "mongod stayed"
            }
            .to_owned(),
        );
        tokio::time::sleep(hold).await;
        self.database.fill(false);
        self.database.start_missing();
        self.database.primary().await;
        self.healed(Fault::DiskFull);
    }
}
