// A message's words: line breaks, addresses that can be opened, and people who are mentioned. Never as HTML.
import { Fragment, type ReactNode, useMemo } from "react";
import { useClient, useValue } from "../../app/hooks";
import type { Message } from "../../core/wire";
import { EVERYBODY, GROUP_WORDS, marksIn } from "../../core/mentions";
import { pieces } from "./links";
import classes from "./RichText.module.css";

export function RichText({ text, mentions }: { text: string; mentions?: Message["mentions"] }) {
  const client = useClient();
  // One name a line, as a primitive, so that a change of another user renders nothing anew.
  const names = useValue(client.people, () => {
    if (!mentions) return "";
    // What is stored decides, in whatever language it was written.
    if (mentions === EVERYBODY) return GROUP_WORDS.join("\n");
    return mentions
      .map((id) => client.people.get(id))
      .flatMap((person) => (person ? [person.realName, person.username] : []))
      .filter(Boolean)
      .join("\n");
  });
  const parts = useMemo(() => withMentions(text, names ? names.split("\n") : []), [text, names]);
  return (
    <span className={classes.text} dir="auto">
      {parts}
    </span>
  );
}

function withMentions(text: string, names: readonly string[]): ReactNode[] {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const mark of names.length ? marksIn(text, names.map((name) => ({ id: "", name }))) : []) {
    parts.push(<Fragment key={from}>{withAddresses(text.slice(from, mark.from))}</Fragment>);
    parts.push(
      <span key={`@${mark.from}`} className={classes.mention} data-testid="mention">
        {text.slice(mark.from, mark.to)}
      </span>,
    );
    from = mark.to;
  }
  parts.push(<Fragment key={from}>{withAddresses(text.slice(from))}</Fragment>);
  return parts;
}

/** Addresses and telephone numbers, as links. Chat leads to them, never the other way: they learn nothing of where they stood. */
export function withAddresses(text: string): ReactNode[] {
  return pieces(text).map((piece, index) =>
    piece.href ? (
      <a
        key={index}
        href={piece.href}
        {...(piece.kind === "web" ? { target: "_blank", rel: "noopener noreferrer" } : {})}
      >
        {piece.text}
      </a>
    ) : (
      piece.text
    ),
  );
}
