//! The collection `counters`: numbers that are given once in the whole service. A process takes
//! them in blocks. Those that it has not given when it ends are never given.

use std::ops::Range;

use mongodb::{
    bson::{Document, doc},
    options::ReturnDocument,
};
use tokio::sync::Mutex;

use super::{Store, run, stored_number::whole};
use crate::domain::{Error, Result};

pub(super) const COLLECTION: &str = "counters";

const CONVERSATION_NUMBERS: &str = "conversationNumbers";
/// How many numbers a process takes at once.
const NUMBER_BLOCK: u64 = 32;

/// The numbers that this process has taken and not given yet.
#[derive(Debug, Default)]
pub(super) struct NumberBlock(Mutex<Range<u64>>);

impl Store {
    /// Returns a number that no conversation has: from 1, unique, ascending within a process.
    ///
    /// # Errors
    /// When MongoDB does not answer.
    pub async fn next_conversation_number(&self) -> Result<u64> {
        let mut block = self.conversation_numbers.0.lock().await;
        if let Some(number) = block.next() {
            return Ok(number);
        }
        *block = self.take_conversation_numbers(NUMBER_BLOCK).await?;
        block.next().ok_or(Error::Internal)
    }

    /// Takes `count` numbers of conversations.
    pub(super) async fn take_conversation_numbers(&self, count: u64) -> Result<Range<u64>> {
        let counters = self.collection::<Document>(COLLECTION);
        let step = i64::try_from(count).map_err(|_| Error::Internal)?;
        let row = run(async move {
            counters
                .find_one_and_update(
                    doc! { "_id": CONVERSATION_NUMBERS },
                    doc! { "$inc": { "taken": step } },
                )
                .upsert(true)
                .return_document(ReturnDocument::After)
                .await
        })
        .await?;
        let taken = row.as_ref().and_then(|row| whole(row.get("taken")?));
        let Some(last) = taken.and_then(|taken| u64::try_from(taken).ok()) else {
            tracing::error!("the counter of conversations is no number");
            return Err(Error::Internal);
        };
        Ok((last + 1).saturating_sub(count)..last + 1)
    }
}
