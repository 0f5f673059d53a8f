// How much was written and how quickly it was answered, over the chosen period, by hour or by day.
import { Button, SegmentedControl } from "@mantine/core";
import { ChartColumn, Table2 } from "lucide-react";
import { useCallback, useState } from "react";
import { useAccount } from "../../app/account";
import { categoryAxis, Chart, frame, type Palette, timeAxis, valueAxis } from "../parts/Chart";
import { bucket, number, span } from "../parts/format";
import { Panel } from "../parts/Panel";
import parts from "../parts/parts.module.css";
import { useLoaded } from "../parts/useLoaded";
import { ask, type Granularity, type Range, sources, type TrendPoint } from "../stats";
import { useAdminTexts } from "../texts";
import { PAST_EVERY } from "./Dashboard";

interface Trend {
  points: TrendPoint[];
  labels: string[];
}

/** Hours of a day or a week are readable; of a month they are not. */
function stepsFor(days: Range): Granularity[] {
  if (days === 1) return ["hour"];
  return days === 7 ? ["hour", "day"] : ["day"];
}

export function Trends({ days, look, timeZone }: { days: Range; look: number; timeZone: string }) {
  const { t, locale } = useAdminTexts();
  const { api } = useAccount();
  const [wanted, setWanted] = useState<Granularity>("day");
  const [asTable, setAsTable] = useState(false);
  const steps = stepsFor(days);
  const granularity = steps.includes(wanted) ? wanted : (steps[0] ?? "day");

  const loaded = useLoaded(
    useCallback(
      async (signal: AbortSignal): Promise<Trend> => {
        const points = await ask<TrendPoint[]>(api, sources.trends(days, granularity), signal);
        return { points, labels: points.map((point) => bucket(point.start, granularity, days === 1, locale, timeZone)) };
      },
      [api, days, granularity, locale, timeZone],
    ),
    PAST_EVERY,
    look,
  );

  const source = sources.trends(days, granularity);
  const actions = (
    <>
      {steps.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={t("granularity.label")}
          data={steps.map((step) => ({ value: step, label: t(`granularity.${step}`) }))}
          value={granularity}
          onChange={(value) => setWanted(value as Granularity)}
        />
      )}
      <Button
        size="xs"
        variant="default"
        leftSection={asTable ? <ChartColumn size={14} aria-hidden="true" /> : <Table2 size={14} aria-hidden="true" />}
        onClick={() => setAsTable(!asTable)}
      >
        {t(asTable ? "trend.showChart" : "trend.showTable")}
      </Button>
    </>
  );
  return (
    <>
      <Panel
        title={t("trend.title")}
        hint={timeZone === "UTC" ? t("trend.zoneUtc") : t("trend.zone", { zone: timeZone })}
        loaded={loaded}
        source={source}
        actions={actions}
        wide
        empty={({ points }) => (points.every((point) => point.messages === 0) ? t("empty.trend") : "")}
      >
        {(trend) => (asTable ? <TrendTable trend={trend} /> : <MessagesChart trend={trend} />)}
      </Panel>
      <Panel
        title={t("response.title")}
        hint={t("response.hint")}
        loaded={loaded}
        empty={({ points }) => (points.every((point) => !point.responseMedianMs) ? t("response.none") : "")}
      >
        {(trend) => <ResponseChart trend={trend} />}
      </Panel>
    </>
  );
}

function MessagesChart({ trend }: { trend: Trend }) {
  const { t, locale } = useAdminTexts();
  const count = useCallback((value: number) => number(value, locale), [locale]);
  const option = useCallback(
    (colours: Palette) => ({
      ...frame(colours, count),
      xAxis: categoryAxis(colours, trend.labels),
      yAxis: [
        valueAxis(colours, count),
        valueAxis(colours, count, { splitLine: { show: false } }),
      ],
      series: [
        {
          name: t("trend.messages"),
          type: "bar",
          data: trend.points.map((point) => point.messages),
          itemStyle: { color: colours.accent, borderRadius: [3, 3, 0, 0] },
          barMaxWidth: 28,
        },
        {
          name: t("trend.people"),
          type: "line",
          yAxisIndex: 1,
          data: trend.points.map((point) => point.activePeople),
          showSymbol: trend.points.length <= 31,
          symbolSize: 6,
          lineStyle: { color: colours.second, width: 2 },
          itemStyle: { color: colours.second },
        },
      ],
    }),
    [trend, count, t],
  );
  const most = trend.points.reduce((best, point, index) => (point.messages > (trend.points[best]?.messages ?? -1) ? index : best), 0);
  const label = t("trend.summary", {
    messages: count(trend.points.reduce((sum, point) => sum + point.messages, 0)),
    most: count(trend.points[most]?.messages ?? 0),
    when: trend.labels[most] ?? "",
  });
  return <Chart label={`${t("trend.title")}. ${label}`} option={option} />;
}

function ResponseChart({ trend }: { trend: Trend }) {
  const { t } = useAdminTexts();
  const option = useCallback(
    (colours: Palette) => {
      const time = (value: number) => span(value, t);
      const line = (name: string, colour: string, value: (point: TrendPoint) => number | null) => ({
        name,
        type: "line",
        connectNulls: true,
        showSymbol: trend.points.length <= 31,
        symbolSize: 6,
        data: trend.points.map(value),
        lineStyle: { color: colour, width: 2 },
        itemStyle: { color: colour },
      });
      return {
        ...frame(colours, time),
        xAxis: categoryAxis(colours, trend.labels),
        yAxis: timeAxis(colours, time, Math.max(0, ...trend.points.map((point) => point.responseP90Ms ?? 0))),
        series: [
          line(t("response.median"), colours.accent, (point) => point.responseMedianMs ?? null),
          line(t("response.p90"), colours.second, (point) => point.responseP90Ms ?? null),
        ],
      };
    },
    [trend, t],
  );
  const last = trend.points.findLast((point) => point.responseMedianMs ?? null);
  const label = t("response.summary", { median: span(last?.responseMedianMs, t), p90: span(last?.responseP90Ms, t) });
  return <Chart label={`${t("response.title")}. ${label}`} option={option} />;
}

function TrendTable({ trend }: { trend: Trend }) {
  const { t, locale } = useAdminTexts();
  return (
    <div className={parts.scroll} data-tall role="group" aria-label={t("trend.tableOf", { what: t("trend.title") })} tabIndex={0}>
      <table className={parts.table}>
        <thead>
          <tr>
            <th scope="col">{t("trend.start")}</th>
            <th scope="col" className={parts.number}>{t("trend.messages")}</th>
            <th scope="col" className={parts.number}>{t("trend.people")}</th>
            <th scope="col" className={parts.number}>{t("response.median")}</th>
            <th scope="col" className={parts.number}>{t("response.p90")}</th>
          </tr>
        </thead>
        <tbody>
          {trend.points.map((point, index) => (
            <tr key={point.start}>
              <th scope="row">{trend.labels[index]}</th>
              <td className={parts.number}>{number(point.messages, locale)}</td>
              <td className={parts.number}>{number(point.activePeople, locale)}</td>
              <td className={parts.number}>{span(point.responseMedianMs, t)}</td>
              <td className={parts.number}>{span(point.responseP90Ms, t)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
