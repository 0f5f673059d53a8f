// The dashboard: the messages of the organisation just now, and over a period. All of it refreshes by itself.
import { ActionIcon, SegmentedControl } from "@mantine/core";
import { RefreshCw } from "lucide-react";
import { useCallback, useState } from "react";
import { useAccount } from "../../app/account";
import { clock } from "../parts/format";
import { CsvButton, Failure } from "../parts/Panel";
import { useLoaded } from "../parts/useLoaded";
import { ask, type Overview, RANGES, type Range, sources } from "../stats";
import { useAdminTexts } from "../texts";
import { Busiest } from "./Busiest";
import { Departments } from "./Departments";
import { Health } from "./Health";
import { Kinds } from "./Kinds";
import classes from "./dashboard.module.css";
import { Tiles } from "./Tiles";
import { Trends } from "./Trends";

/** Milliseconds between two looks: at what is now, and at what was. */
const NOW_EVERY = 10_000;
export const PAST_EVERY = 60_000;
/** An overview older than this is called old. */
const STALE_AFTER = 3 * NOW_EVERY;

export function Dashboard() {
  const { t, locale } = useAdminTexts();
  const { api } = useAccount();
  const [days, setDays] = useState<Range>(7);
  const [look, setLook] = useState(0);
  const overview = useLoaded(
    useCallback((signal: AbortSignal) => ask<Overview>(api, sources.overview(), signal), [api]),
    NOW_EVERY,
    look,
  );
  const stale = Boolean(overview.problem) && overview.at > 0 && Date.now() - overview.at > STALE_AFTER;
  const when = overview.at ? clock(overview.at, locale) : "";

  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <h1 className={classes.heading}>{t("nav.dashboard")}</h1>
        <p className={classes.updated} data-stale={stale || undefined} role="status">
          {when && t(stale ? "live.stale" : "live.updated", { when })}
        </p>
        <ActionIcon
          variant="default"
          size="lg"
          onClick={() => setLook(look + 1)}
          loading={overview.busy && overview.at === 0}
          aria-label={t("live.refresh")}
          title={t("live.refresh")}
        >
          <RefreshCw size={16} aria-hidden="true" />
        </ActionIcon>
        <CsvButton source={sources.overview()} what={t("tiles.label")} />
      </div>

      {overview.data === null && Boolean(overview.problem) ? (
        <Failure problem={overview.problem} retry={overview.refresh} />
      ) : (
        <Tiles overview={overview.data} />
      )}

      <div className={classes.ranges}>
        <SegmentedControl
          aria-label={t("range.label")}
          data={RANGES.map((range) => ({ value: String(range), label: t(`range.${range}`) }))}
          value={String(days)}
          onChange={(value) => setDays(Number(value) as Range)}
        />
      </div>

      <div className={classes.grid}>
        <Trends days={days} look={look} timeZone={overview.data?.timeZone ?? "UTC"} />
        <Kinds overview={overview} />
        <Health />
        <Departments days={days} look={look} />
        <Busiest days={days} look={look} />
      </div>
    </div>
  );
}
