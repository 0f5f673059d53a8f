//! Found messages, with the matches marked.

use serde::Serialize;
use utoipa::ToSchema;

use super::MessageJson;
use crate::service::{Excerpt, FoundMessage};

/// A message that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundMessage)]
pub struct FoundMessageJson<'a> {
    #[serde(flatten)]
    message: MessageJson<'a>,
    /// Pieces of its text, at most three: HTML, escaped but for the `<mark>` around what was found.
    #[schema(example = json!(["…患者<mark>血压</mark>正常 &amp; stable"]))]
    highlights: Vec<String>,
}

/// Converts found messages to a list.
pub fn found(hits: &[FoundMessage]) -> Vec<FoundMessageJson<'_>> {
    hits.iter()
        .map(|hit| FoundMessageJson {
            message: MessageJson::from(&hit.view),
            highlights: hit.excerpts.iter().map(highlight).collect(),
        })
        .collect()
}

/// Returns an excerpt as HTML that is safe to show.
fn highlight(excerpt: &Excerpt) -> String {
    let mut html = String::with_capacity(excerpt.text.len() + 32);
    if excerpt.is_cut.0 {
        html.push('…');
    }
    let mut at = 0;
    for mark in &excerpt.marks {
        escape(&excerpt.text[at..mark.start], &mut html);
        html.push_str("<mark>");
        escape(&excerpt.text[mark.clone()], &mut html);
        html.push_str("</mark>");
        at = mark.end;
    }
    escape(&excerpt.text[at..], &mut html);
    if excerpt.is_cut.1 {
        html.push('…');
    }
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_message_becomes_markup() {
        let text = "<img onerror='x'> & \"dose\"".to_owned();
        let start = text.find("dose").unwrap();
        let excerpt = Excerpt {
            text,
            marks: vec![1..4, start..start + 4],
            is_cut: (true, false),
        };
        let expected =
            "…&lt;<mark>img</mark> onerror=&#39;x&#39;&gt; &amp; &quot;<mark>dose</mark>&quot;";
        assert_eq!(highlight(&excerpt), expected);
    }
}
