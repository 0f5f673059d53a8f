// A chart on a canvas: follows its box, the colours of the page and people who want no motion. What it shows is said in
// words too (`label`), since a canvas says nothing to a screen reader.
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import { type ChartOption, type EChartsType, init } from "./echarts";
import classes from "./parts.module.css";

export interface Palette {
  text: string;
  quiet: string;
  line: string;
  accent: string;
  second: string;
  pane: string;
  font: string;
}

function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: value("--w-text"),
    quiet: value("--w-quiet"),
    line: value("--w-line"),
    accent: value("--w-accent"),
    second: value("--w-idle"),
    pane: value("--w-pane"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

export interface ChartProps {
  label: string;
  option: (palette: Palette) => ChartOption;
}

export function Chart({ label, option }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const scheme = useComputedColorScheme("light");

  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current, null, { renderer: "canvas" });
    chart.current = made;
    const follow = new ResizeObserver(() => made.resize());
    follow.observe(box.current);
    return () => {
      follow.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    // The scheme is an attribute of the page, set in the same drawing: the variables are its by now.
    const colours = palette();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const base = { animation: !still, animationDuration: 250, textStyle: { fontFamily: colours.font, color: colours.text } };
    chart.current?.setOption({ ...base, ...option(colours) }, { notMerge: true });
  }, [option, scheme]);

  return <div ref={box} className={classes.chart} role="img" aria-label={label} />;
}

/** Axes, grid, legend and tooltip as all charts here have them. The tooltip is drawn, not HTML, as the page's policy wants. */
export function frame(colours: Palette, valueOf: (value: number) => string): ChartOption {
  return {
    grid: { left: 8, right: 8, top: 40, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 10, textStyle: { color: colours.quiet } },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: colours.pane,
      borderColor: colours.line,
      textStyle: { color: colours.text, fontFamily: colours.font },
      valueFormatter: (value: unknown) => (typeof value === "number" ? valueOf(value) : "–"),
    },
  };
}

export function categoryAxis(colours: Palette, data: string[]): ChartOption {
  return {
    type: "category",
    data,
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisLabel: { color: colours.quiet, hideOverlap: true },
  };
}

export function valueAxis(colours: Palette, valueOf: (value: number) => string, extra: ChartOption = {}): ChartOption {
  return {
    type: "value",
    minInterval: 1,
    splitNumber: 4,
    axisLabel: { color: colours.quiet, formatter: valueOf },
    splitLine: { lineStyle: { color: colours.line } },
    ...extra,
  };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Steps of an axis of time that read well, in milliseconds. */
const STEPS = [1_000, 5_000, 15_000, 30_000, ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), ...[1, 2, 4, 6, 12, 24].map((n) => n * HOUR)];

/** A value axis of spans of time, up to `longest`, with four or five even steps. */
export function timeAxis(colours: Palette, spanOf: (value: number) => string, longest: number): ChartOption {
  const day = 24 * HOUR;
  const interval = STEPS.find((step) => longest / step <= 5) ?? day * Math.ceil(longest / (5 * day));
  const max = Math.max(1, Math.ceil(longest / interval)) * interval;
  return valueAxis(colours, spanOf, { interval, max });
}
