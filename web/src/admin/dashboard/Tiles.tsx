// The figures of this moment, each with a word on what stands behind it.
import { Clock3, MailWarning, MessageSquareText, MessagesSquare, UsersRound } from "lucide-react";
import type { ReactNode } from "react";
import { number, span } from "../parts/format";
import type { Overview } from "../stats";
import { useAdminTexts } from "../texts";
import classes from "./dashboard.module.css";

interface TileProps {
  icon: ReactNode;
  label: string;
  value: string | null;
  hint: string;
  tone?: "good" | "warn";
}

function Tile({ icon, label, value, hint, tone }: TileProps) {
  return (
    <div className={classes.tile}>
      <dt>
        <span className={classes.icon} data-tone={tone}>
          {icon}
        </span>
        {label}
      </dt>
      {value === null ? (
        <dd className={classes.blank} aria-hidden="true" />
      ) : (
        <>
          <dd className={classes.value}>{value}</dd>
          <dd className={classes.hint}>{hint}</dd>
        </>
      )}
    </div>
  );
}

export function Tiles({ overview }: { overview: Overview | null }) {
  const { t, locale } = useAdminTexts();
  const count = (value: number | undefined) => (value === undefined ? null : number(value, locale));
  const replies = overview?.responseTime;
  const unread = overview?.unread;
  return (
    <dl className={classes.tiles} aria-label={t("tiles.label")} aria-busy={overview === null}>
      <Tile
        icon={<UsersRound size={16} aria-hidden="true" />}
        tone="good"
        label={t("tiles.online")}
        value={count(overview?.users.online)}
        hint={overview ? t("tiles.onlineHint", { count: overview.users.away, total: count(overview.users.active) }) : ""}
      />
      <Tile
        icon={<MessageSquareText size={16} aria-hidden="true" />}
        label={t("tiles.today")}
        value={count(overview?.messages.today)}
        hint={overview ? t("tiles.todayHint", { count: overview.activeToday, total: count(overview.messages.total) }) : ""}
      />
      <Tile
        icon={<Clock3 size={16} aria-hidden="true" />}
        label={t("tiles.response")}
        value={overview ? span(replies?.medianMs, t) : null}
        hint={
          replies?.count ? t("tiles.responseHint", { p90: span(replies.p90Ms, t), count: replies.count }) : t("tiles.responseNone")
        }
      />
      <Tile
        icon={<MailWarning size={16} aria-hidden="true" />}
        tone={unread?.total ? "warn" : undefined}
        label={t("tiles.unread")}
        value={count(unread?.total)}
        hint={unread?.total ? t("tiles.unreadHint", { count: unread.people }) : t("tiles.unreadNone")}
      />
      <Tile
        icon={<MessagesSquare size={16} aria-hidden="true" />}
        label={t("tiles.sessions")}
        value={count(overview?.sessions.total)}
        hint={
          overview
            ? t("tiles.sessionsHint", { private: count(overview.sessions.private), group: count(overview.sessions.group) })
            : ""
        }
      />
    </dl>
  );
}
