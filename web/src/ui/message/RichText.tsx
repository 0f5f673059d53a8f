// A message's words: line breaks, addresses that can be opened, and people who are mentioned. Never as HTML.
import { Fragment, type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useClient, useValue } from "../../app/hooks";
import type { Message } from "../../core/wire";
import { personName } from "../common/names";
import classes from "./RichText.module.css";

const ADDRESS = /https?:\/\/[^\s<>"'“”‘’（）【】，。；！？、]+[^\s<>"'“”‘’（）【】，。；！？、.,;:!?)\]]/g;

export function RichText({ text, mentions }: { text: string; mentions?: Message["mentions"] }) {
  const { t } = useTranslation();
  const client = useClient();
  const names = useValue(client.people, () => {
    if (!mentions) return "";
    if (mentions === "all") return "*";
    return mentions.map((id) => personName(client.people, id)).join("\n");
  });
  const everybody = t("message.mentionAll");
  const parts = useMemo(
    () => withMentions(text, names === "*" ? [everybody, "all", "所有人"] : names.split("\n")),
    [text, names, everybody],
  );
  return <span className={classes.text}>{parts}</span>;
}

function withMentions(text: string, names: readonly string[]): ReactNode[] {
  const sought = names.filter(Boolean).map((name) => `@${name}`);
  const parts: ReactNode[] = [];
  let rest = text;
  while (rest) {
    const next = sought
      .map((name) => ({ name, at: rest.indexOf(name) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.name.length - a.name.length)[0];
    if (!next) {
      parts.push(<Fragment key={parts.length}>{withAddresses(rest)}</Fragment>);
      break;
    }
    if (next.at > 0) parts.push(<Fragment key={parts.length}>{withAddresses(rest.slice(0, next.at))}</Fragment>);
    parts.push(
      <span key={parts.length} className={classes.mention}>
        {next.name}
      </span>,
    );
    rest = rest.slice(next.at + next.name.length);
  }
  return parts;
}

function withAddresses(text: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const found of text.matchAll(ADDRESS)) {
    parts.push(text.slice(from, found.index));
    parts.push(
      <a key={found.index} href={found[0]} target="_blank" rel="noopener noreferrer">
        {found[0]}
      </a>,
    );
    from = found.index + found[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}
