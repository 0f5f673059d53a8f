//! A device's connection: the kit's, with the number under which the history knows it.

use std::{
    ops::Deref,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::json;

use crate::kit::connection::{ConnectOptions, Connection};
pub use crate::kit::connection::{Listener, Refused};

const HANDSHAKE: Duration = Duration::from_secs(10);

/// The options of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectionOptions {
    /// Announces that it acknowledges each message, and does.
    pub acknowledges: bool,
    /// The size of the receive buffer in bytes; the kernel's default when `None`.
    pub receive_buffer: Option<u32>,
}

pub struct ClientConnection {
    pub number: u32,
    next_place: AtomicU64,
    connection: Connection,
}

impl Deref for ClientConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl ClientConnection {
    /// Connects and authenticates.
    pub async fn open(
        number: u32,
        address: &str,
        token: &str,
        manner: ConnectionOptions,
        listener: Listener,
    ) -> Result<Self, Refused> {
        let options = ConnectOptions {
            headers: &[],
            acknowledges: manner.acknowledges,
            receive_buffer: manner.receive_buffer,
            patience: HANDSHAKE,
        };
        let auth = json!({ "token": token, "acks": manner.acknowledges });
        let connection = Connection::open(address, &auth, options, listener).await?;
        Ok(Self {
            number,
            next_place: AtomicU64::new(0),
            connection,
        })
    }

    /// The place of one more pipelined send.
    pub fn next_place(&self) -> u64 {
        self.next_place.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends with a reset instead of a DISCONNECT.
    pub fn break_off(self) {
        self.connection.break_off();
    }
}
