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

use super::{
    keyword::{Phrase, Unit},
    terms,
};
use crate::domain::{
    MessageId, SessionId, Timestamp, UserId, cursors::FoundCursor, message::MessageType, parts::Mentions,
};

/// Grows with every change to what stands in the index or how it is cut: an older index is made anew.
/// 2: numbers are whole, traditional Chinese is simplified, words as they are written and with their signs,
/// whom a message mentions. 3: lists of numbers are no number, groups of thousands and fractions are one, and a
/// point begins a number of percent behind any word. 4: a decimal comma is a point.
pub(super) const FORMAT: u32 = 4;

/// With at most so many sessions their messages are looked up; of more, each found message's is.
const FEW_SESSIONS: usize = 64;
/// A beginning stands for so many words at most: the commonest of those that begin so.
const MAX_WORDS: usize = 256;
/// So many words of a segment are looked at for them.
const MAX_LOOKED_AT: usize = 4_096;

/// Under this, the index knows messages that mention everybody.
const EVERYBODY: &[u8] = b"all";

/// The index's fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    id: Field,
    session: Field,
    sender: Field,
    kind: Field,
    mentions: Field,
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
        .set_tokenizer(terms::ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let [seq, at, id_high, id_low, session_high, session_low] = COLUMNS;
    let fields = Fields {
        id: schema.add_bytes_field("id", INDEXED),
        session: schema.add_bytes_field("session", INDEXED),
        sender: schema.add_bytes_field("sender", INDEXED),
        kind: schema.add_bytes_field("kind", INDEXED),
        mentions: schema.add_bytes_field("mentions", INDEXED),
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
    pub mentions: Mentions,
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
        match &entry.mentions {
            Mentions::All => document.add_bytes(self.mentions, EVERYBODY),
            Mentions::People(people) => {
                for user in people {
                    document.add_bytes(self.mentions, &user.0.bytes());
                }
            }
        }
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

    fn phrase_query(&self, terms: &[(usize, String)]) -> Box<dyn Query> {
        let term = |text: &str| Term::from_field_text(self.text, text);
        match terms {
            [(_, only)] => Box::new(TermQuery::new(term(only), IndexRecordOption::Basic)),
            many => {
                let terms = many.iter().map(|(at, text)| (*at, term(text))).collect();
                Box::new(PhraseQuery::new_with_offset(terms))
            }
        }
    }

    /// A unit in any of its forms.
    fn unit_query(&self, unit: &Unit, searcher: &Searcher) -> tantivy::Result<Box<dyn Query>> {
        let mut forms = Vec::new();
        for Phrase { terms, is_begun } in &unit.0 {
            let Some(((at, last), before)) = terms.split_last().filter(|_| *is_begun) else {
                forms.push(self.phrase_query(terms));
                continue;
            };
            for word in self.begun(last, searcher)? {
                let terms: Vec<(usize, String)> = before.iter().cloned().chain([(*at, word)]).collect();
                forms.push(self.phrase_query(&terms));
            }
        }
        if forms.len() == 1 {
            return Ok(forms.remove(0));
        }
        Ok(Box::new(BooleanQuery::new(forms.into_iter().map(|form| (Occur::Should, form)).collect())))
    }

    /// The terms of words that begin so, the commonest ones when there are too many.
    fn begun(&self, begun: &str, searcher: &Searcher) -> tantivy::Result<Vec<String>> {
        let mut words: HashMap<String, u64> = HashMap::new();
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(self.text)?;
            for start in terms::beginnings(begun) {
                // No byte of a text is the highest one.
                let mut end = start.clone().into_bytes();
                if let Some(last) = end.last_mut() {
                    *last += 1;
                }
                let mut terms = index.terms().range().ge(start.as_bytes()).lt(&end).into_stream()?;
                let mut looked_at = 0;
                while looked_at < MAX_LOOKED_AT && terms.advance() {
                    looked_at += 1;
                    if let Ok(word) = std::str::from_utf8(terms.key()) {
                        *words.entry(word.to_owned()).or_default() += u64::from(terms.value().doc_freq);
                    }
                }
            }
        }
        let mut words: Vec<(String, u64)> = words.into_iter().collect();
        words.sort_by(|(one, many), (other, more)| (more, one).cmp(&(many, other)));
        Ok(words.into_iter().take(MAX_WORDS).map(|(word, _)| word).collect())
    }

    /// Everything that must hold of a hit, access included.
    fn query(&self, asked: &Asked, searcher: &Searcher, until: Instant) -> tantivy::Result<BooleanQuery> {
        let units = asked.units.iter().map(|unit| self.unit_query(unit, searcher));
        let mut all: Vec<Box<dyn Query>> = units.collect::<tantivy::Result<_>>()?;
        all.extend(asked.mentions.map(|whom| match whom {
            Mentioned::Everybody => Self::bytes_query(self.mentions, EVERYBODY),
            Mentioned::Person(user) => Self::bytes_query(self.mentions, &user.0.bytes()),
        }));
        all.extend(asked.sender.map(|sender| Self::bytes_query(self.sender, &sender.0.bytes())));
        all.extend(asked.kind.map(|kind| Self::bytes_query(self.kind, kind.as_str().as_bytes())));
        if asked.seats.len() <= FEW_SESSIONS {
            let sessions = asked.seats.keys();
            let any = sessions.map(|id| (Occur::Should, Self::bytes_query(self.session, &id.0.bytes())));
            all.push(Box::new(BooleanQuery::new(any.collect())));
        }
        all.push(Box::new(access(asked, until)));
        Ok(BooleanQuery::new(all.into_iter().map(|query| (Occur::Must, query)).collect()))
    }
}

/// Whom messages are to mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mentioned {
    /// This one, by name.
    Person(UserId),
    /// Everybody, in one word.
    Everybody,
}

/// A search, ready for the index.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// None for everything that the filters let through.
    pub units: Vec<Unit>,
    pub mentions: Option<Mentioned>,
    /// The asker's sessions, each with the `seq` up to which the past is hidden from them.
    pub seats: HashMap<SessionId, u64>,
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub skip: usize,
    pub limit: usize,
    pub behind: Option<FoundCursor>,
}

/// The condition that a message stands in one of the asker's sessions, behind what is hidden from them, in the
/// wanted time, and behind the cursor; false for everything once the time is over.
fn access(asked: &Asked, until: Instant) -> DocPredicateQuery {
    let seats: std::sync::Arc<HashMap<(u64, u64), u64>> =
        std::sync::Arc::new(asked.seats.iter().map(|(id, hidden)| (halves(id.0), *hidden)).collect());
    let from = asked.from.map_or(i64::MIN, |time| time.0);
    let to = asked.to.map_or(i64::MAX, |time| time.0);
    let behind = asked.behind;
    let of_segment = move |segment: &SegmentReader| {
        let seats = std::sync::Arc::clone(&seats);
        let columns = segment.fast_fields();
        let (high, low) = (columns.u64("sessionHigh")?, columns.u64("sessionLow")?);
        let (seq, at, id) = (columns.u64("seq")?, columns.i64("at")?, columns.u64("idLow")?);
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
                && behind.is_none_or(|behind| {
                    let place = (value(&at, document), value(&seq, document), value(&id, document));
                    place < (Some(behind.at), Some(behind.seq), Some(behind.id))
                })
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

/// What the index found.
#[derive(Debug, Clone, Default)]
pub(super) struct Matches {
    /// Newest first.
    pub ids: Vec<MessageId>,
    /// How many there are in all.
    pub total: u64,
    pub next: Option<FoundCursor>,
}

/// Asks the index; none when it did not come to an end in time.
pub(super) fn search(
    searcher: &Searcher,
    fields: Fields,
    asked: &Asked,
    until: Instant,
) -> tantivy::Result<Option<Matches>> {
    if asked.seats.is_empty() {
        return Ok(Some(Matches::default()));
    }
    // Messages of one moment: by their place, then by their id, so that pages neither overlap nor miss any.
    let order = (
        (SortByStaticFastValue::<i64>::for_field("at"), Order::Desc),
        (SortByStaticFastValue::<u64>::for_field("seq"), Order::Desc),
        (SortByStaticFastValue::<u64>::for_field("idLow"), Order::Desc),
    );
    // One more says whether there are more.
    let page = TopDocs::with_limit(asked.limit.saturating_add(1)).and_offset(asked.skip).order_by(order);
    let (mut top, found) = searcher.search(&fields.query(asked, searcher, until)?, &(page, Count))?;
    let total = if asked.behind.is_some() {
        let whole = Asked { behind: None, ..asked.clone() };
        searcher.search(&fields.query(&whole, searcher, until)?, &Count)?
    } else {
        found
    };
    if Instant::now() > until {
        return Ok(None);
    }
    let has_more = top.len() > asked.limit;
    top.truncate(asked.limit);
    let mut ids = Vec::with_capacity(top.len());
    let mut next = None;
    for (_, DocAddress { segment_ord, doc_id }) in top {
        let columns = searcher.segment_reader(segment_ord).fast_fields();
        let (high, low) = (columns.u64("idHigh")?, columns.u64("idLow")?);
        let Some((high, low)) = value(&high, doc_id).zip(value(&low, doc_id)) else { continue };
        ids.push(MessageId(whole(high, low)));
        let (at, seq) = (value(&columns.i64("at")?, doc_id), value(&columns.u64("seq")?, doc_id));
        next = at.zip(seq).map(|(at, seq)| FoundCursor { at, seq, id: low });
    }
    Ok(Some(Matches { ids, total: total as u64, next: next.filter(|_| has_more) }))
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
