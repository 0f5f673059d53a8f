// The people, by what they write, what waits for them, or how long they take to answer.
import { NativeSelect } from "@mantine/core";
import { useCallback, useEffect, useState } from "react";
import { useAccount } from "../../app/account";
import { moment, number, span } from "../parts/format";
import { Pager } from "../parts/Pager";
import { Panel } from "../parts/Panel";
import parts from "../parts/parts.module.css";
import { useLoaded } from "../parts/useLoaded";
import { askPage, type PersonStats, type Range, SORTS, type Sort, sources } from "../stats";
import { useAdminTexts } from "../texts";

const NAMES = { messages: "busiest.byMessages", unread: "busiest.byUnread", response: "busiest.byResponse" } as const;

/** A read of single users is audited, so it does not repeat by itself: only with `look`, on request. */
export function Busiest({ days, look }: { days: Range; look: number }) {
  const { t } = useAdminTexts();
  const { api } = useAccount();
  const [sort, setSort] = useState<Sort>("messages");
  const [page, setPage] = useState(1);
  useEffect(() => setPage(1), [days, sort]);
  const loaded = useLoaded(
    useCallback(
      (signal: AbortSignal) => askPage<PersonStats[]>(api, sources.users(days, sort, page), signal),
      [api, days, sort, page],
    ),
    0,
    look,
  );
  const choice = (
    <NativeSelect
      size="xs"
      aria-label={t("busiest.sort")}
      data={SORTS.map((value) => ({ value, label: t(NAMES[value]) }))}
      value={sort}
      onChange={(event) => setSort(event.currentTarget.value as Sort)}
    />
  );
  return (
    <Panel
      title={t("busiest.title")}
      loaded={loaded}
      source={sources.users(days, sort, 1, 1000)}
      actions={choice}
      wide
      empty={({ data }) => (data.length ? "" : t("empty.people"))}
    >
      {({ data, pagination }) => (
        <>
          <People rows={data} />
          {pagination && <Pager page={page} pages={pagination.pages} choose={setPage} />}
        </>
      )}
    </Panel>
  );
}

function People({ rows }: { rows: PersonStats[] }) {
  const { t, locale } = useAdminTexts();
  const most = Math.max(1, ...rows.map((row) => row.sent));
  return (
    <div className={parts.scroll} role="group" aria-label={t("trend.tableOf", { what: t("busiest.title") })} tabIndex={0}>
      <table className={parts.table}>
        <thead>
          <tr>
            <th scope="col">{t("busiest.person")}</th>
            <th scope="col">{t("busiest.department")}</th>
            <th scope="col" className={parts.number}>{t("busiest.sent")}</th>
            <th scope="col" className={parts.number}>{t("busiest.answers")}</th>
            <th scope="col" className={parts.number}>{t("busiest.unread")}</th>
            <th scope="col" className={parts.number}>{t("busiest.median")}</th>
            <th scope="col" className={parts.number}>{t("busiest.lastActive")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.userId}>
              <th scope="row">
                {row.realName || row.username}
                <div className={`${parts.quiet} ${parts.small}`}>{row.username}</div>
              </th>
              <td className={parts.quiet}>{row.department || "–"}</td>
              <td className={parts.number}>
                {number(row.sent, locale)}
                <span className={parts.meter} aria-hidden="true">
                  <span style={{ width: `${(100 * row.sent) / most}%` }} />
                </span>
              </td>
              <td className={parts.number}>{number(row.answers, locale)}</td>
              <td className={parts.number}>{number(row.unread, locale)}</td>
              <td className={parts.number}>{span(row.responseMedianMs, t)}</td>
              <td className={parts.number}>{moment(row.lastActive, locale) ?? t("busiest.never")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
