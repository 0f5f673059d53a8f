// The departments side by side: who is there, who writes, what waits, how quickly they answer.
import { useCallback } from "react";
import { useAccount } from "../../app/account";
import { number, span } from "../parts/format";
import { Panel } from "../parts/Panel";
import parts from "../parts/parts.module.css";
import { useLoaded } from "../parts/useLoaded";
import { ask, type DepartmentStats, type Range, sources } from "../stats";
import { useAdminTexts } from "../texts";
import { PAST_EVERY } from "./Dashboard";

export function Departments({ days, look }: { days: Range; look: number }) {
  const { t } = useAdminTexts();
  const { api } = useAccount();
  const loaded = useLoaded(
    useCallback(
      async (signal: AbortSignal) => {
        const rows = await ask<DepartmentStats[]>(api, sources.departments(days), signal);
        return rows.sort((a, b) => b.messages - a.messages || a.department.localeCompare(b.department));
      },
      [api, days],
    ),
    PAST_EVERY,
    look,
  );
  return (
    <Panel
      title={t("departments.title")}
      loaded={loaded}
      source={sources.departments(days)}
      wide
      empty={(rows) => (rows.length ? "" : t("empty.departments"))}
    >
      {(rows) => <Rows rows={rows} />}
    </Panel>
  );
}

function Rows({ rows }: { rows: DepartmentStats[] }) {
  const { t, locale } = useAdminTexts();
  const most = Math.max(1, ...rows.map((row) => row.messages));
  return (
    <div className={parts.scroll} role="group" aria-label={t("trend.tableOf", { what: t("departments.title") })} tabIndex={0}>
      <table className={parts.table}>
        <thead>
          <tr>
            <th scope="col">{t("departments.department")}</th>
            <th scope="col" className={parts.number}>{t("departments.online")}</th>
            <th scope="col" className={parts.number}>{t("departments.messages")}</th>
            <th scope="col" className={parts.number}>{t("departments.active")}</th>
            <th scope="col" className={parts.number}>{t("departments.unread")}</th>
            <th scope="col" className={parts.number}>{t("departments.median")}</th>
            <th scope="col" className={parts.number}>{t("departments.p90")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.department}>
              <th scope="row">{row.department || t("departments.none")}</th>
              <td className={parts.number}>
                <span className={parts.dot} data-state={row.online ? "good" : undefined} aria-hidden="true" />
                {t("departments.onlineOf", { online: row.online, people: row.people })}
              </td>
              <td className={parts.number}>
                {number(row.messages, locale)}
                <span className={parts.meter} aria-hidden="true">
                  <span style={{ width: `${(100 * row.messages) / most}%` }} />
                </span>
              </td>
              <td className={parts.number}>{number(row.activePeople, locale)}</td>
              <td className={parts.number}>{number(row.unread, locale)}</td>
              <td className={parts.number}>{span(row.responseMedianMs, t)}</td>
              <td className={parts.number}>{span(row.responseP90Ms, t)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
