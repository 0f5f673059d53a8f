//! What stands in the index of each message, and what is asked of it.

use std::{collections::HashMap, time::Instant};

use bson::oid::ObjectId;
use tantivy::{
    DocAddress, DocId, Order, Searcher, SegmentReader, TantivyDocument, Term,
    collector::{Count, TopDocs, sort_key::SortByStaticFastValue},
    columnar::Column,
    query::{
        BooleanQuery, Occur, PhraseQuery, Query, TermQuery,
        doc_predicate_query::{DocPredicateQuery, FunctionPredicate},
    },
    schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
};

use super::{keyword::Unit, words};
use crate::domain::{MessageId, SessionId, Timestamp, UserId, message::MessageType};

/// Grows with every change to what stands in the index or how it is cut: an older index is made anew.
pub(super) const FORMAT: u32 = 1;

/// With at most so many sessions their messages are looked up; of more, each found message's is.
const FEW_SESSIONS: usize = 64;

/// The index's fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    id: Field,
    session: Field,
    sender: Field,
    kind: Field,
    text: Field,
    seq: Field,
    at: Field,
    id_high: Field,
    id_low: Field,
    session_high: Field,
    session_low: Field,
}

// Ids stand twice in the index: as terms, to find by them, and as two numbers, to read them quickly.
const COLUMNS: [&str; 6] = ["seq", "at", "idHigh", "idLow", "sessionHigh", "sessionLow"];

/// The index's form.
pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = TextFieldIndexing::default()
        .set_tokenizer(words::ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let [seq, at, id_high, id_low, session_high, session_low] = COLUMNS;
    let fields = Fields {
        id: schema.add_bytes_field("id", INDEXED),
        session: schema.add_bytes_field("session", INDEXED),
        sender: schema.add_bytes_field("sender", INDEXED),
        kind: schema.add_bytes_field("kind", INDEXED),
        text: schema.add_text_field("text", TextOptions::default().set_indexing_options(text)),
        seq: schema.add_u64_field(seq, FAST),
        at: schema.add_i64_field(at, FAST),
        id_high: schema.add_u64_field(id_high, FAST),
        id_low: schema.add_u64_field(id_low, FAST),
        session_high: schema.add_u64_field(session_high, FAST),
        session_low: schema.add_u64_field(session_low, FAST),
    };
    (schema.build(), fields)
}

/// An id as two numbers.
fn halves(id: ObjectId) -> (u64, u64) {
    let bytes = id.bytes();
    let number = |part: &[u8]| part.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    (number(&bytes[..8]), number(&bytes[8..]))
}

fn whole(high: u64, low: u64) -> ObjectId {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes()[4..]);
    ObjectId::from_bytes(bytes)
}

/// What of a message is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: MessageId,
    pub session: SessionId,
    pub sender: UserId,
    pub kind: String,
    pub seq: u64,
    pub at: Timestamp,
    /// Its content, its file's name, and those of the messages that it carries.
    pub texts: Vec<String>,
}

impl Fields {
    /// The term that is only this message's.
    pub fn only(&self, id: MessageId) -> Term {
        Term::from_field_bytes(self.id, &id.0.bytes())
    }

    /// A message as the index holds it.
    pub fn document(&self, entry: &Entry) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_bytes(self.id, &entry.id.0.bytes());
        document.add_bytes(self.session, &entry.session.0.bytes());
        document.add_bytes(self.sender, &entry.sender.0.bytes());
        document.add_bytes(self.kind, entry.kind.as_bytes());
        for text in entry.texts.iter().filter(|text| !text.is_empty()) {
            document.add_text(self.text, text);
        }
        document.add_u64(self.seq, entry.seq);
        document.add_i64(self.at, entry.at.0);
        let ((id_high, id_low), (high, low)) = (halves(entry.id.0), halves(entry.session.0));
        document.add_u64(self.id_high, id_high);
        document.add_u64(self.id_low, id_low);
        document.add_u64(self.session_high, high);
        document.add_u64(self.session_low, low);
        document
    }

    fn bytes_query(field: Field, bytes: &[u8]) -> Box<dyn Query> {
        Box::new(TermQuery::new(Term::from_field_bytes(field, bytes), IndexRecordOption::Basic))
    }

    fn unit_query(&self, unit: &Unit) -> Box<dyn Query> {
        let term = |text: &str| Term::from_field_text(self.text, text);
        match unit.0.as_slice() {
            [(_, only)] => Box::new(TermQuery::new(term(only), IndexRecordOption::Basic)),
            many => {
                let terms = many.iter().map(|(at, text)| (*at, term(text))).collect();
                Box::new(PhraseQuery::new_with_offset(terms))
            }
        }
    }

    /// Everything that must hold of a hit, access included.
    fn query(&self, asked: &Asked, until: Instant) -> BooleanQuery {
        let mut all: Vec<Box<dyn Query>> = asked.units.iter().map(|unit| self.unit_query(unit)).collect();
        all.extend(asked.sender.map(|sender| Self::bytes_query(self.sender, &sender.0.bytes())));
        all.extend(asked.kind.map(|kind| Self::bytes_query(self.kind, kind.as_str().as_bytes())));
        if asked.seats.len() <= FEW_SESSIONS {
            let sessions = asked.seats.keys();
            let any = sessions.map(|id| (Occur::Should, Self::bytes_query(self.session, &id.0.bytes())));
            all.push(Box::new(BooleanQuery::new(any.collect())));
        }
        all.push(Box::new(access(asked, until)));
        BooleanQuery::new(all.into_iter().map(|query| (Occur::Must, query)).collect())
    }
}

/// A search, ready for the index.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub units: Vec<Unit>,
    /// The asker's sessions, each with the `seq` up to which the past is hidden from them.
    pub seats: HashMap<SessionId, u64>,
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub skip: usize,
    pub limit: usize,
}

/// The condition that a message stands in one of the asker's sessions, behind what is hidden from them, and
/// in the wanted time; false for everything once the time is over.
fn access(asked: &Asked, until: Instant) -> DocPredicateQuery {
    let seats: std::sync::Arc<HashMap<(u64, u64), u64>> =
        std::sync::Arc::new(asked.seats.iter().map(|(id, hidden)| (halves(id.0), *hidden)).collect());
    let from = asked.from.map_or(i64::MIN, |time| time.0);
    let to = asked.to.map_or(i64::MAX, |time| time.0);
    let of_segment = move |segment: &SegmentReader| {
        let seats = std::sync::Arc::clone(&seats);
        let columns = segment.fast_fields();
        let (high, low) = (columns.u64("sessionHigh")?, columns.u64("sessionLow")?);
        let (seq, at) = (columns.u64("seq")?, columns.i64("at")?);
        let looks = std::sync::atomic::AtomicU32::new(0);
        Ok(move |document: DocId| {
            // The clock is looked at now and then only.
            let look = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if look.is_multiple_of(4_096) && Instant::now() > until {
                return false;
            }
            let session = (value(&high, document), value(&low, document));
            let (Some(high), Some(low)) = session else { return false };
            seats.get(&(high, low)).is_some_and(|hidden| value(&seq, document) > Some(*hidden))
                && value(&at, document).is_some_and(|at| (from..=to).contains(&at))
        })
    };
    FunctionPredicate::from(of_segment).into()
}

fn value<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    document: DocId,
) -> Option<T> {
    column.first(document)
}

/// What the index found: ids, newest first, and how many there are in all.
pub(super) type Matches = (Vec<MessageId>, u64);

/// Asks the index; none when it did not come to an end in time.
pub(super) fn search(
    searcher: &Searcher,
    fields: Fields,
    asked: &Asked,
    until: Instant,
) -> tantivy::Result<Option<Matches>> {
    if asked.units.is_empty() || asked.seats.is_empty() {
        return Ok(Some((Vec::new(), 0)));
    }
    // Messages of one moment: by their place, then by their id, so that pages neither overlap nor miss any.
    let order = (
        (SortByStaticFastValue::<i64>::for_field("at"), Order::Desc),
        (SortByStaticFastValue::<u64>::for_field("seq"), Order::Desc),
        (SortByStaticFastValue::<u64>::for_field("idLow"), Order::Desc),
    );
    let page = TopDocs::with_limit(asked.limit).and_offset(asked.skip).order_by(order);
    let (top, total) = searcher.search(&fields.query(asked, until), &(page, Count))?;
    if Instant::now() > until {
        return Ok(None);
    }
    let mut ids = Vec::with_capacity(top.len());
    for (_, DocAddress { segment_ord, doc_id }) in top {
        let columns = searcher.segment_reader(segment_ord).fast_fields();
        let (high, low) = (columns.u64("idHigh")?, columns.u64("idLow")?);
        ids.extend(
            value(&high, doc_id).zip(value(&low, doc_id)).map(|(high, low)| MessageId(whole(high, low))),
        );
    }
    Ok(Some((ids, total as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_after_two_halves() {
        let id = ObjectId::new();
        let (high, low) = halves(id);
        assert_eq!(whole(high, low), id);
    }
}
