// Finds messages by their words; a hit opens the conversation at its place.
import { Checkbox, TextInput } from "@mantine/core";
import { Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges, useLater, useNarrow } from "../../app/hooks";
import { jumps } from "../../app/jumps";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { Empty } from "../common/Empty";
import { Waiting } from "../common/Waiting";
import { IconButton } from "../shell/Side";
import { Hit } from "./Hit";
import classes from "./SearchPanel.module.css";
import { type Found, useSearch } from "./useSearch";

/** A list to choose from ends somewhere; whoever is not in it is found by name in the directory. */
const SENDERS = 500;
const KINDS = ["", "text", "image", "file", "voice"] as const;

interface SearchPanelProps {
  client: ChatClient;
  sessionId: string | undefined;
  onClose(): void;
}

export default function SearchPanel({ client, sessionId, onClose }: SearchPanelProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const narrow = useNarrow();
  const [text, setText] = useState("");
  const [here, setHere] = useState(false);
  const [kind, setKind] = useState("");
  const [sender, setSender] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  useChanges(client.people);
  const people = client.people.all().slice(0, SENDERS);
  const keyword = useLater(text.trim(), 250);
  const search = useSearch(client, {
    keyword,
    sessionId: here ? sessionId : undefined,
    messageType: kind || undefined,
    sender: sender || undefined,
    from: from ? new Date(`${from}T00:00:00`).toISOString() : undefined,
    to: to ? new Date(`${to}T23:59:59.999`).toISOString() : undefined,
  });

  const open = (hit: Found) => {
    jumps.ask(hit.sessionId, hit.seq);
    go(`/s/${hit.sessionId}`);
    if (narrow) onClose();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onClose();
  };
  useEffect(() => {
    document.getElementById("message-search")?.focus();
  }, []);

  return (
    <aside className={classes.panel} aria-label={t("search.title")} onKeyDown={pressed}>
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
          <label>
            <span>{t("search.sender")}</span>
            <select value={sender} onChange={(event) => setSender(event.currentTarget.value)}>
              <option value="">{t("search.anySender")}</option>
              {people.map((one) => (
                <option key={one._id} value={one._id}>
                  {nameOf(one)}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>{t("search.from")}</span>
            <input type="date" value={from} max={to} onChange={(event) => setFrom(event.currentTarget.value)} />
          </label>
          <label>
            <span>{t("search.to")}</span>
            <input type="date" value={to} min={from} onChange={(event) => setTo(event.currentTarget.value)} />
          </label>
        </div>
        {sessionId && (
          <Checkbox
            size="sm"
            label={t("search.here")}
            checked={here}
            onChange={(event) => setHere(event.currentTarget.checked)}
          />
        )}
      </search>
      <div className={classes.hits}>
        {search.problem && (
          <p role="alert" className={classes.problem}>
            {t("search.failed", { why: search.problem })}
          </p>
        )}
        {search.busy && search.found.length === 0 && <Waiting label={t("search.searching")} />}
        {search.done && search.found.length === 0 && <Empty title={t("search.none", { text: keyword })} />}
        {search.found.length > 0 && (
          <p role="status" className={classes.count}>
            {t("search.found", { count: search.total })}
          </p>
        )}
        <ul className={classes.rows}>
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
