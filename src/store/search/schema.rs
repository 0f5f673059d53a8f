//! The schema of the index: what is stored for each message, and how it is queried.

use std::{collections::HashMap, time::Instant};

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
    index_terms,
    keyword::{Phrase, QueryTerm},
};
use crate::domain::{
    ConversationId, MessageId, Timestamp, UserId, cursors::FoundCursor, message::MessageType,
    message_parts::Mentions,
};

/// Incremented with every change to the stored terms or to their tokenizing: an older index is
/// rebuilt. 2: numbers are whole, traditional Chinese is simplified, words as they are written and
/// with their signs, the users whom a message mentions. 3: lists of numbers are no number, groups
/// of thousands and fractions are one, and a point begins a number of percent behind any word. 4: a
/// decimal comma is a point.
pub(super) const INDEX_FORMAT: u32 = 4;

/// Up to this number of conversations, they are terms of the query; with more, the conversation of
/// each found message is checked.
const MAX_CONVERSATION_TERMS: usize = 64;
/// The maximum number of words for a beginning: the most frequent ones.
const MAX_PREFIX_WORDS: usize = 256;
/// The maximum number of terms that are scanned in one segment for them.
const MAX_SCANNED_TERMS: usize = 4_096;

/// The term of messages that mention everybody.
const MENTION_ALL_TERM: &[u8] = b"all";

/// The fields of the index.
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

// Each id is stored twice: as a term, to find by it, and as two numbers, to read it quickly.
const FAST_FIELD_NAMES: [&str; 6] = ["seq", "at", "idHigh", "idLow", "sessionHigh", "sessionLow"];

/// Returns the schema of the index.
pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = TextFieldIndexing::default()
        .set_tokenizer(index_terms::ANALYZER_NAME)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let [seq, at, id_high, id_low, session_high, session_low] = FAST_FIELD_NAMES;
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

/// Returns an id as two numbers.
fn split_id(bytes: [u8; 12]) -> (u64, u64) {
    let number = |part: &[u8]| {
        part.iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    (number(&bytes[..8]), number(&bytes[8..]))
}

fn join_id(high: u64, low: u64) -> MessageId {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes()[4..]);
    MessageId::from_bytes(bytes)
}

/// The indexed data of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexedDocument {
    pub id: MessageId,
    pub session: ConversationId,
    pub sender: UserId,
    pub kind: String,
    pub seq: u64,
    pub at: Timestamp,
    pub mentions: Mentions,
    /// Its content, the name of its file, and those of the messages that it forwards.
    pub texts: Vec<String>,
}

impl Fields {
    /// Returns the term that only this message has.
    pub fn id_term(&self, id: MessageId) -> Term {
        Term::from_field_bytes(self.id, &id.bytes())
    }

    /// Returns a message in the form of the index.
    pub fn document(&self, entry: &IndexedDocument) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_bytes(self.id, &entry.id.bytes());
        document.add_bytes(self.session, &entry.session.bytes());
        document.add_bytes(self.sender, &entry.sender.bytes());
        document.add_bytes(self.kind, entry.kind.as_bytes());
        match &entry.mentions {
            Mentions::All => document.add_bytes(self.mentions, MENTION_ALL_TERM),
            Mentions::People(people) => {
                for user in people {
                    document.add_bytes(self.mentions, &user.bytes());
                }
            }
        }
        for text in entry.texts.iter().filter(|text| !text.is_empty()) {
            document.add_text(self.text, text);
        }
        document.add_u64(self.seq, entry.seq);
        document.add_i64(self.at, entry.at.0);
        let ((id_high, id_low), (high, low)) =
            (split_id(entry.id.bytes()), split_id(entry.session.bytes()));
        document.add_u64(self.id_high, id_high);
        document.add_u64(self.id_low, id_low);
        document.add_u64(self.session_high, high);
        document.add_u64(self.session_low, low);
        document
    }

    fn bytes_query(field: Field, bytes: &[u8]) -> Box<dyn Query> {
        Box::new(TermQuery::new(
            Term::from_field_bytes(field, bytes),
            IndexRecordOption::Basic,
        ))
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

    /// Returns the query for a unit in any of its forms.
    fn unit_query(&self, unit: &QueryTerm, searcher: &Searcher) -> tantivy::Result<Box<dyn Query>> {
        let mut forms = Vec::new();
        for Phrase { terms, is_prefix } in &unit.0 {
            let Some(((at, last), before)) = terms.split_last().filter(|_| *is_prefix) else {
                forms.push(self.phrase_query(terms));
                continue;
            };
            for word in self.terms_with_prefix(last, searcher)? {
                let terms: Vec<(usize, String)> =
                    before.iter().cloned().chain([(*at, word)]).collect();
                forms.push(self.phrase_query(&terms));
            }
        }
        if forms.len() == 1 {
            return Ok(forms.remove(0));
        }
        Ok(Box::new(BooleanQuery::new(
            forms
                .into_iter()
                .map(|form| (Occur::Should, form))
                .collect(),
        )))
    }

    /// Returns the terms of words with this beginning, the most frequent ones when there are too
    /// many.
    fn terms_with_prefix(&self, begun: &str, searcher: &Searcher) -> tantivy::Result<Vec<String>> {
        let mut words: HashMap<String, u64> = HashMap::new();
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(self.text)?;
            for start in index_terms::term_prefixes(begun) {
                // No byte of a text is 255.
                let mut end = start.clone().into_bytes();
                if let Some(last) = end.last_mut() {
                    *last += 1;
                }
                let mut terms = index
                    .terms()
                    .range()
                    .ge(start.as_bytes())
                    .lt(&end)
                    .into_stream()?;
                let mut looked_at = 0;
                while looked_at < MAX_SCANNED_TERMS && terms.advance() {
                    looked_at += 1;
                    if let Ok(word) = std::str::from_utf8(terms.key()) {
                        *words.entry(word.to_owned()).or_default() +=
                            u64::from(terms.value().doc_freq);
                    }
                }
            }
        }
        let mut words: Vec<(String, u64)> = words.into_iter().collect();
        words.sort_by(|(one, many), (other, more)| (more, one).cmp(&(many, other)));
        Ok(words
            .into_iter()
            .take(MAX_PREFIX_WORDS)
            .map(|(word, _)| word)
            .collect())
    }

    /// Returns the query with all conditions of a match, access included.
    fn query(
        &self,
        asked: &PreparedQuery,
        searcher: &Searcher,
        until: Instant,
    ) -> tantivy::Result<BooleanQuery> {
        let units = asked
            .units
            .iter()
            .map(|unit| self.unit_query(unit, searcher));
        let mut all: Vec<Box<dyn Query>> = units.collect::<tantivy::Result<_>>()?;
        all.extend(asked.mentions.map(|whom| match whom {
            MentionQuery::Everybody => Self::bytes_query(self.mentions, MENTION_ALL_TERM),
            MentionQuery::Person(user) => Self::bytes_query(self.mentions, &user.bytes()),
        }));
        all.extend(
            asked
                .sender
                .map(|sender| Self::bytes_query(self.sender, &sender.bytes())),
        );
        all.extend(
            asked
                .kind
                .map(|kind| Self::bytes_query(self.kind, kind.as_str().as_bytes())),
        );
        if asked.visible_conversations.len() <= MAX_CONVERSATION_TERMS {
            let sessions = asked.visible_conversations.keys();
            let any =
                sessions.map(|id| (Occur::Should, Self::bytes_query(self.session, &id.bytes())));
            all.push(Box::new(BooleanQuery::new(any.collect())));
        }
        all.push(Box::new(access_query(asked, until)));
        Ok(BooleanQuery::new(
            all.into_iter().map(|query| (Occur::Must, query)).collect(),
        ))
    }
}

/// The mention that matching messages must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MentionQuery {
    /// This user, by name.
    Person(UserId),
    /// Everybody, by a single mention.
    Everybody,
}

/// A search, ready for the index.
#[derive(Debug, Clone)]
pub(super) struct PreparedQuery {
    /// Empty for everything that passes the filters.
    pub units: Vec<QueryTerm>,
    pub mentions: Option<MentionQuery>,
    /// The user's conversations, each with the `seq` up to which the history is hidden from them.
    pub visible_conversations: HashMap<ConversationId, u64>,
    pub sender: Option<UserId>,
    pub kind: Option<MessageType>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub skip: usize,
    pub limit: usize,
    pub behind: Option<FoundCursor>,
}

/// Returns the access condition: the message is in one of the user's conversations, behind what is
/// hidden from them, in the requested time, and behind the cursor. Once the time limit has passed,
/// it is false for everything.
fn access_query(asked: &PreparedQuery, until: Instant) -> DocPredicateQuery {
    let visible_conversations: std::sync::Arc<HashMap<(u64, u64), u64>> = std::sync::Arc::new(
        asked
            .visible_conversations
            .iter()
            .map(|(id, hidden)| (split_id(id.bytes()), *hidden))
            .collect(),
    );
    let from = asked.from.map_or(i64::MIN, |time| time.0);
    let to = asked.to.map_or(i64::MAX, |time| time.0);
    let behind = asked.behind;
    let of_segment = move |segment: &SegmentReader| {
        let visible_conversations = std::sync::Arc::clone(&visible_conversations);
        let columns = segment.fast_fields();
        let (high, low) = (columns.u64("sessionHigh")?, columns.u64("sessionLow")?);
        let (seq, at, id) = (
            columns.u64("seq")?,
            columns.i64("at")?,
            columns.u64("idLow")?,
        );
        let looks = std::sync::atomic::AtomicU32::new(0);
        Ok(move |document: DocId| {
            // Reading the clock for every document would cost too much.
            let lookup_count = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if lookup_count.is_multiple_of(4_096) && Instant::now() > until {
                return false;
            }
            let session = (column_value(&high, document), column_value(&low, document));
            let (Some(high), Some(low)) = session else {
                return false;
            };
            visible_conversations
                .get(&(high, low))
                .is_some_and(|hidden| column_value(&seq, document) > Some(*hidden))
                && column_value(&at, document).is_some_and(|at| (from..=to).contains(&at))
                && behind.is_none_or(|behind| {
                    let place = (
                        column_value(&at, document),
                        column_value(&seq, document),
                        column_value(&id, document),
                    );
                    place < (Some(behind.at), Some(behind.seq), Some(behind.id))
                })
        })
    };
    FunctionPredicate::from(of_segment).into()
}

fn column_value<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    document: DocId,
) -> Option<T> {
    column.first(document)
}

/// The result of a query.
#[derive(Debug, Clone, Default)]
pub(super) struct IndexMatches {
    /// Newest first.
    pub ids: Vec<MessageId>,
    /// The total number of matches.
    pub total: u64,
    pub next: Option<FoundCursor>,
}

/// Runs a query; returns `None` when it did not finish in time.
pub(super) fn search(
    searcher: &Searcher,
    fields: Fields,
    asked: &PreparedQuery,
    until: Instant,
) -> tantivy::Result<Option<IndexMatches>> {
    if asked.visible_conversations.is_empty() {
        return Ok(Some(IndexMatches::default()));
    }
    // Messages of the same time are ordered by `seq`, then by id, so that pages neither overlap nor
    // skip any.
    let order = (
        (SortByStaticFastValue::<i64>::for_field("at"), Order::Desc),
        (SortByStaticFastValue::<u64>::for_field("seq"), Order::Desc),
        (
            SortByStaticFastValue::<u64>::for_field("idLow"),
            Order::Desc,
        ),
    );
    // One extra result shows whether there are more.
    let page = TopDocs::with_limit(asked.limit.saturating_add(1))
        .and_offset(asked.skip)
        .order_by(order);
    let (mut top, found) =
        searcher.search(&fields.query(asked, searcher, until)?, &(page, Count))?;
    let total = if asked.behind.is_some() {
        let whole = PreparedQuery {
            behind: None,
            ..asked.clone()
        };
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
    for (
        _,
        DocAddress {
            segment_ord,
            doc_id,
        },
    ) in top
    {
        let columns = searcher.segment_reader(segment_ord).fast_fields();
        let (high, low) = (columns.u64("idHigh")?, columns.u64("idLow")?);
        let Some((high, low)) = column_value(&high, doc_id).zip(column_value(&low, doc_id)) else {
            continue;
        };
        ids.push(join_id(high, low));
        let (at, seq) = (
            column_value(&columns.i64("at")?, doc_id),
            column_value(&columns.u64("seq")?, doc_id),
        );
        next = at
            .zip(seq)
            .map(|(at, seq)| FoundCursor { at, seq, id: low });
    }
    Ok(Some(IndexMatches {
        ids,
        total: total as u64,
        next: next.filter(|_| has_more),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_after_two_halves() {
        let id = MessageId::generate();
        let (high, low) = split_id(id.bytes());
        assert_eq!(join_id(high, low), id);
    }
}
