//! Statistics of the house, without I/O: how a message is counted, in which hour and day it falls, and how
//! long people waited for answers.
//!
//! Everything is counted once, when it is written, into rollups of a fixed size for each hour, each day and
//! each person's day. What is asked later is a sum of those, so it costs the same however long the history.

mod calendar;
mod responses;
mod rollup_delta;

pub use calendar::{BadTimeZone, Calendar, Granularity, TimeOrDay};
pub use responses::Responses;
pub use rollup_delta::{
    ConversationSnapshot, CountedMessage, MessageTally, PersonDay, RollupDelta, RollupPosition,
    UnansweredMessage,
};
