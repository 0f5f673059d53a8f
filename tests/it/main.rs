//! The integration tests: the production service on a real MongoDB, tested through its public
//! interfaces. All tests share one mongod; each has its own database.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../kit/mod.rs"]
mod kit;
mod support;

mod accounts;
mod additions;
mod audit;
mod bounds;
mod change_log;
mod connections;
mod convergence;
mod conversation;
mod counts;
mod credentials;
mod cursors;
mod document;
mod edge;
mod file_ids;
mod files;
mod files_access;
mod files_hostile;
mod files_outage;
mod files_room;
mod forwarding;
mod groups;
mod hostile;
mod interleavings;
mod jobs;
mod kinds;
mod kit_connection;
mod managed;
mod metrics;
mod nodes;
mod operations;
mod outage;
mod people;
mod presence;
mod revisions;
mod schemas;
mod seam;
mod search;
mod search_index;
mod sign_in;
mod silence;
mod startup;
mod statistics;
mod sync;
mod texts;
mod transfers;
mod web;
mod words;
