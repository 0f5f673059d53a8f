// Finds messages by their words; a hit opens the conversation at its place.
import { Checkbox, TextInput } from "@mantine/core";
import { Search, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges, useLater, useNarrow } from "../../app/hooks";
import { jumps } from "../../app/jumps";
import type { ChatClient } from "../../core/client";
import { useLayer } from "../common/useLayer";
import { Empty } from "../common/Empty";
import { useArrowList } from "../common/useArrowList";
import { Waiting } from "../common/Waiting";
import { IconButton } from "../shell/Side";
import { Hit } from "./Hit";
import classes from "./SearchPanel.module.css";
import { SenderField } from "./SenderField";
import { type Found, useSearch } from "./useSearch";

const KINDS = ["", "text", "image", "file", "voice"] as const;

interface SearchPanelProps {
  client: ChatClient;
  sessionId: string | undefined;
  /** Whether it begins with what mentions this person. */
  mentions?: boolean;
  onClose(): void;
}

export default function SearchPanel({ client, sessionId, mentions, onClose }: SearchPanelProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const narrow = useNarrow();
  const [text, setText] = useState("");
  const [here, setHere] = useState(false);
  const [kind, setKind] = useState("");
  const [sender, setSender] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [mine, setMine] = useState(mentions ?? false);
  useEffect(() => {
    if (mentions) setMine(true);
  }, [mentions]);
  useChanges(client.people);
  const keyword = useLater(text.trim(), 250);
  const search = useSearch(client, {
    keyword,
    sessionId: here ? sessionId : undefined,
    messageType: kind || undefined,
    sender: sender || undefined,
    mentions: mine ? "me" : undefined,
    from: moment(from, "T00:00:00"),
    to: moment(to, "T23:59:59.999"),
  });

  const list = useArrowList("button", () => document.getElementById("message-search")?.focus());
  const open = (hit: Found) => {
    jumps.ask(hit.sessionId, hit.seq);
    go(`/s/${hit.sessionId}`);
    if (narrow) onClose();
  };
  useLayer(onClose);
  useEffect(() => {
    document.getElementById("message-search")?.focus();
  }, []);

  return (
    <aside className={classes.panel} aria-label={t("search.title")}>
      <header className={classes.head}>
        <h2>{t("search.title")}</h2>
        <IconButton label={t("app.close")} onClick={onClose}>
          <X size={20} />
        </IconButton>
      </header>
      <search className={classes.form}>
        <TextInput
          id="message-search"
          type="search"
          aria-label={t("search.label")}
          placeholder={t("search.label")}
          description={t("search.hint")}
          inputWrapperOrder={["input", "description"]}
          leftSection={<Search size={16} aria-hidden="true" />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <div className={classes.filters}>
          <label>
            <span>{t("search.type")}</span>
            <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
              {KINDS.map((one) => (
                <option key={one} value={one}>
                  {t(one === "" ? "search.anyType" : one === "text" ? "search.text" : `message.${one}`)}
                </option>
              ))}
            </select>
          </label>
          <SenderField client={client} chosen={sender} choose={setSender} />
          <label>
            <span>{t("search.from")}</span>
            <input type="date" value={from} max={to} onChange={(event) => setFrom(event.currentTarget.value)} />
          </label>
          <label>
            <span>{t("search.to")}</span>
            <input type="date" value={to} min={from} onChange={(event) => setTo(event.currentTarget.value)} />
          </label>
        </div>
        <button type="button" className={classes.toggle} aria-pressed={mine} onClick={() => setMine(!mine)}>
          {t("search.mentionsMe")}
        </button>
        {sessionId && (
          <Checkbox
            size="sm"
            label={t("search.here")}
            checked={here}
            onChange={(event) => setHere(event.currentTarget.checked)}
          />
        )}
        {((from && !moment(from, "T00:00:00")) || (to && !moment(to, "T00:00:00"))) && (
          <p role="alert" className={classes.problem}>
            {t("search.noDay")}
          </p>
        )}
      </search>
      <div className={classes.hits}>
        {search.problem && (
          <p role="alert" className={classes.problem}>
            {t("search.failed", { why: search.problem })}
          </p>
        )}
        {search.busy && search.found.length === 0 && <Waiting label={t("search.searching")} />}
        {search.done && search.found.length === 0 && <Empty title={keyword ? t("search.none", { text: keyword }) : t("search.noneFits")} />}
        {search.found.length > 0 && (
          <p role="status" className={classes.count}>
            {t("search.found", { count: search.total })}
          </p>
        )}
        <ul ref={list} className={classes.rows}>
          {search.found.map((hit) => (
            <li key={hit._id}>
              <Hit hit={hit} client={client} onOpen={() => open(hit)} />
            </li>
          ))}
        </ul>
        {search.more && (
          <button type="button" className={classes.more} onClick={search.next} disabled={search.busy}>
            {t("search.more")}
          </button>
        )}
      </div>
    </aside>
  );
}

/** A day's beginning or end; undefined when the field holds no day (browsers let years of six digits through). */
function moment(day: string, time: string): string | undefined {
  const at = new Date(day + time);
  return /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}
