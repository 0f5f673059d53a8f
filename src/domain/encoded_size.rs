//! The size of a message in JSON: a page is bounded by bytes, too.

use std::sync::Arc;

use super::{message_parts::Quote, receipts::MessageView};

/// The size of a message's ids, times and field names.
const MESSAGE_OVERHEAD_BYTES: usize = 640;
/// An id in a list.
const ID_BYTES: usize = 27;
/// About the length of a file's address, whatever gateway makes it.
const FILE_ADDRESS_BYTES: usize = 40;
/// The size of one reader.
const READER_BYTES: usize = 96;

/// Returns how many bytes a text takes up in JSON.
#[must_use]
pub fn of_text(text: &str) -> usize {
    // Control characters are written as six bytes, quotes and backslashes as two.
    let more = |byte: u8| match byte {
        0..0x20 => 5,
        b'"' | b'\\' => 1,
        _ => 0,
    };
    text.len() + text.bytes().map(more).sum::<usize>()
}

fn of_quote(quote: &Quote) -> usize {
    let file = quote
        .file
        .as_ref()
        .map_or(0, |file| of_text(&file.name) + FILE_ADDRESS_BYTES);
    MESSAGE_OVERHEAD_BYTES / 2 + of_text(&quote.content) + file
}

/// Returns about how many bytes a message takes up in JSON.
#[must_use]
pub fn of(view: &MessageView) -> usize {
    let message = &*view.message;
    let file = message
        .file
        .as_ref()
        .map_or(0, |file| of_text(&file.name) + FILE_ADDRESS_BYTES);
    let reactions: usize = message
        .reactions
        .iter()
        .map(|reaction| 64 + reaction.users.len() * ID_BYTES)
        .sum();
    let people = message.mentions.people().len()
        + message
            .system_notice
            .as_ref()
            .map_or(0, |system_notice| system_notice.subjects.len());
    MESSAGE_OVERHEAD_BYTES
        + of_text(&message.content)
        + file
        + reactions
        + people * ID_BYTES
        + view.read_by.len() * READER_BYTES
        + of_merged(view)
}

fn of_merged(view: &MessageView) -> usize {
    view.message.merged.iter().map(of_quote).sum()
}

/// Returns the bytes of the texts of messages, which are quickly computed: a lower bound of their
/// JSON.
pub fn of_texts<'a>(views: impl IntoIterator<Item = &'a MessageView>) -> usize {
    let of_merged = |view: &MessageView| {
        view.message
            .merged
            .iter()
            .map(|quote| quote.content.len())
            .sum::<usize>()
    };
    views
        .into_iter()
        .map(|view| view.message.content.len() + of_merged(view))
        .sum()
}

/// Removes records of forwarded messages from a page of more than `most` bytes, the oldest first,
/// so that every message stays.
pub fn abridge(views: &mut [MessageView], most: usize) {
    let mut left = most.saturating_sub(views.iter().map(|view| of(view) - of_merged(view)).sum());
    for view in views.iter_mut().rev() {
        let weight = of_merged(view);
        if weight <= left {
            left -= weight;
        } else {
            Arc::make_mut(&mut view.message).merged.clear();
            view.omits_merged = true;
        }
    }
}

/// Keeps as many messages as have `most` bytes together, from the first or from the last on, but at
/// least one. Returns whether something was left out.
pub fn bound(views: &mut Vec<MessageView>, most: usize, keeps_last: bool) -> bool {
    let mut left = most;
    let mut fits = |view: &MessageView| {
        let weight = of(view);
        let fits = weight <= left;
        left = left.saturating_sub(weight);
        fits
    };
    let kept = if keeps_last {
        views.iter().rev().take_while(|view| fits(view)).count()
    } else {
        views.iter().take_while(|view| fits(view)).count()
    };
    let kept = kept.max(1);
    if kept >= views.len() {
        return false;
    }
    if keeps_last {
        views.drain(..views.len() - kept);
    } else {
        views.truncate(kept);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ConversationId, MessageId, Timestamp, UserId,
        message::{Draft, Message},
    };

    fn view(seq: u64, content: &str) -> MessageView {
        let draft = Draft {
            content: content.to_owned(),
            ..Draft::blank(ConversationId::generate(), UserId::generate())
        };
        MessageView::fresh(Arc::new(Message::of(
            &draft,
            MessageId::generate(),
            seq,
            1,
            Timestamp(0),
        )))
    }

    #[test]
    fn a_text_weighs_what_json_makes_of_it() {
        for text in ["", "Bed 4", "好\u{1F4A9}", "a \"b\" \\ c", "\u{1}\u{1f}"] {
            assert_eq!(
                of_text(text),
                serde_json::to_string(text).unwrap().len() - 2,
                "{text}"
            );
        }
        assert!(of_text("\n\t") >= 4);
    }

    #[test]
    fn a_page_keeps_what_fits_from_its_end_and_one_in_any_case() {
        let long = "x".repeat(10_000);
        let page = || (1..=10).map(|seq| view(seq, &long)).collect::<Vec<_>>();
        let seqs = |views: &[MessageView]| {
            views
                .iter()
                .map(|view| view.message.seq)
                .collect::<Vec<_>>()
        };
        let mut newest = page();
        assert!(bound(&mut newest, 35_000, true));
        assert_eq!(seqs(&newest), [8, 9, 10]);
        let mut oldest = page();
        assert!(bound(&mut oldest, 35_000, false));
        assert_eq!(seqs(&oldest), [1, 2, 3]);
        let mut one = page();
        assert!(bound(&mut one, 10, true));
        assert_eq!(seqs(&one), [10]);
        let mut all = page();
        assert!(!bound(&mut all, 1 << 20, true));
        assert!(!bound(&mut Vec::new(), 0, false));
    }
}
