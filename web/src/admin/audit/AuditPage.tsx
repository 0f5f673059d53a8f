// The audit log, what was done by whom, for administrators: filtered, page by page, and as a table. Reading it is an entry itself.
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useCallback, useEffect, useState } from "react";
import { useAccount } from "../../app/account";
import type { Answer } from "../../core/api";
import { CsvButton, Failure } from "../parts/Panel";
import parts from "../parts/parts.module.css";
import { useLoaded } from "../parts/useLoaded";
import { useAdminTexts } from "../texts";
import users from "../users/users.module.css";
import classes from "./audit.module.css";
import { type AuditEntry, type AuditFilter, audit, auditSource, cursorOf, detailsOf, NO_FILTER } from "./entries";
import { PersonFilter } from "./PersonFilter";

/** Acts that have words of their own; others are shown by their name in the log. */
const ACTIONS = [
  "auth.login",
  "auth.failed",
  "auth.logout",
  "auth.register",
  "auth.password",
  "auth.sessions",
  "user.create",
  "user.change",
  "user.password",
  "user.sessions",
  "users.inactive",
  "sessions.list",
  "stats",
  "stats.people",
  "message.delete",
  "message.recall",
  "message.edits",
  "group.history",
  "file.fetch",
  "file.thumbnail",
  "access.refused",
  "audit.read",
  "token.issue",
] as const;

export function AuditPage() {
  const { t, locale } = useAdminTexts();
  const { api } = useAccount();
  const [typed, setTyped] = useState<AuditFilter>(NO_FILTER);
  const [filter, setFilter] = useState<AuditFilter>(NO_FILTER);
  // Whom a filter names, though no entry may be about them.
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(new Map());
  const [older, setOlder] = useState<{ entries: AuditEntry[]; next: string; busy: boolean; problem: unknown }>(NOTHING);

  // Looking is logged, so nothing is asked again by itself.
  const loaded = useLoaded(useCallback((signal: AbortSignal) => audit(api, filter, "", signal), [api, filter]));
  const first: Answer<AuditEntry[]> | null = loaded.data;
  useEffect(() => setOlder(NOTHING), [first]);
  const entries = [...(first?.data ?? []), ...older.entries];
  const next = older.entries.length ? older.next : first ? cursorOf(first) : "";

  const more = async () => {
    setOlder((before) => ({ ...before, busy: true, problem: null }));
    try {
      const page = await audit(api, filter, next);
      setOlder((before) => ({ entries: [...before.entries, ...page.data], next: cursorOf(page), busy: false, problem: null }));
    } catch (problem) {
      setOlder((before) => ({ ...before, busy: false, problem }));
    }
  };
  const choose = (field: "actor" | "subject") => (id: string, called: string) => {
    setChosen((before) => new Map(before).set(id, called));
    setTyped((before) => ({ ...before, [field]: id }));
  };
  const act = (action: string) => {
    if (action.startsWith("command.")) return t("audit.command", { what: action.slice("command.".length) });
    return (t(`audit.acts.${action.replaceAll(".", "_")}`, { defaultValue: action }) as string) || action;
  };
  const word = (value: string) => t(`audit.values.${value}`, { defaultValue: value }) as string;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setFilter({ ...typed });
    loaded.refresh();
  };
  const set = (key: keyof AuditFilter) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setTyped((before) => ({ ...before, [key]: value }));
  };
  return (
    <div className={users.page}>
      <div className={users.bar}>
        <h1 className={users.heading}>{t("audit.title")}</h1>
        <CsvButton source={auditSource(filter)} what={t("audit.title")} />
      </div>
      <section className={users.list} aria-label={t("audit.title")} aria-busy={loaded.busy}>
        <form className={classes.filters} role="search" aria-label={t("audit.filters")} onSubmit={submit}>
          <PersonFilter label={t("audit.actor")} chosen={typed.actor} name={chosen.get(typed.actor)} choose={choose("actor")} />
          <PersonFilter label={t("audit.subject")} chosen={typed.subject} name={chosen.get(typed.subject)} choose={choose("subject")} />
          <NativeSelect
            label={t("audit.action")}
            data={[{ value: "", label: t("audit.anyAction") }, ...ACTIONS.map((one) => ({ value: one, label: act(one) }))]}
            value={typed.action}
            onChange={set("action")}
          />
          <TextInput
            label={t("audit.session")}
            maxLength={24}
            spellCheck={false}
            value={typed.session}
            onChange={(event) => setTyped({ ...typed, session: event.currentTarget.value.trim() })}
          />
          <TextInput label={t("audit.from")} type="date" max={typed.to || "9999-12-31"} value={typed.from} onChange={set("from")} />
          <TextInput label={t("audit.to")} type="date" min={typed.from} max="9999-12-31" value={typed.to} onChange={set("to")} />
          <div className={classes.submit}>
            <Button type="submit" loading={loaded.busy}>
              {t("audit.show")}
            </Button>
            <Button
              variant="subtle"
              onClick={() => {
                setTyped(NO_FILTER);
                setFilter(NO_FILTER);
              }}
            >
              {t("audit.clear")}
            </Button>
          </div>
        </form>
        <p className={`${parts.quiet} ${parts.small}`}>{t("audit.hint")}</p>
        {Boolean(loaded.problem) && <Failure problem={loaded.problem} retry={loaded.refresh} />}
        {first === null && !loaded.problem && <div className={parts.skeleton} data-tall aria-hidden="true" />}
        {first?.data.length === 0 && <p className={parts.nothing}>{t("audit.none")}</p>}
        {entries.length > 0 && (
          <div className={`${parts.scroll} ${users.scroll}`} tabIndex={0} role="group" aria-label={t("audit.table")}>
            <table className={`${parts.table} ${classes.table}`}>
              <thead>
                <tr>
                  <th scope="col">{t("audit.at")}</th>
                  <th scope="col">{t("audit.action")}</th>
                  <th scope="col">{t("audit.actor")}</th>
                  <th scope="col">{t("audit.subject")}</th>
                  <th scope="col">{t("audit.address")}</th>
                  <th scope="col">{t("audit.details")}</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry, index) => (
                  <tr key={entry._id ?? entry.id ?? index}>
                    <td className={classes.at}>
                      <time dateTime={entry.at}>{when(entry.at, locale)}</time>
                    </td>
                    <td>{act(entry.action)}</td>
                    <td dir="auto">{entry.actorName || entry.actor || "–"}</td>
                    <td dir="auto">{entry.subjectName || entry.subject || "–"}</td>
                    <td className={parts.quiet}>{entry.address || "–"}</td>
                    <td className={classes.details}>
                      {entry.session && (
                        <span>
                          {t("audit.session")} {entry.session}
                        </span>
                      )}
                      {detailsOf(entry, word).map(([key, value]) => (
                        <span key={key} dir="auto">
                          {t(`audit.fields.${key}`, { defaultValue: key }) as string}: {value}
                        </span>
                      ))}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {Boolean(older.problem) && <Failure problem={older.problem} retry={() => void more()} />}
        {next && (
          <Button variant="default" loading={older.busy} onClick={() => void more()}>
            {t("audit.more")}
          </Button>
        )}
      </section>
    </div>
  );
}

const NOTHING = { entries: [] as AuditEntry[], next: "", busy: false, problem: null as unknown };

function when(at: string, locale: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return at;
  return new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "medium" }).format(moment);
}
