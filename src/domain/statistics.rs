//! Statistics of the hospital, without I/O: how a message is counted, its hour and day, and the
//! response times.
//!
//! Everything is counted once, when it is written, into rollups of a fixed size for each hour, each
//! day and each user's day. Later queries add these up, so their cost does not depend on the length
//! of the history.

mod calendar;
mod responses;
mod rollup_delta;

pub use calendar::{BadTimeZone, Calendar, Granularity, TimeOrDay};
pub use responses::Responses;
pub use rollup_delta::{
    ConversationSnapshot, CountedMessage, MessageTally, PersonDay, RollupDelta, RollupPosition,
    UnansweredMessage,
};
