// The statistics the dashboard shows, and how they are asked for.
import type { Api, Pagination } from "../core/api";
import { localised } from "./parts/csv";
import type { components } from "../types/openapi";

type Schemas = components["schemas"];
export type Overview = Schemas["Overview"];
export type TrendPoint = Schemas["TrendPeriod"];
export type DepartmentStats = Schemas["DepartmentStatistics"];
export type PersonStats = Schemas["PersonStatistics"];

export const RANGES = [1, 7, 30, 90] as const;
export type Range = (typeof RANGES)[number];
export type Granularity = "hour" | "day";
export const SORTS = ["messages", "unread", "response"] as const;
export type Sort = (typeof SORTS)[number];

/** One of the calls, as the dashboard asks it and as a spreadsheet gets it. */
export interface Source {
  path: string;
  query: Record<string, string | number>;
  file: string;
}

export const sources = {
  overview: (): Source => ({ path: "/api/chat/stats", query: {}, file: "wardline-overview.csv" }),
  trends: (days: Range, granularity: Granularity): Source => ({
    path: "/api/chat/stats/trends",
    query: { days, granularity },
    file: `wardline-trends-${days}d-${granularity}.csv`,
  }),
  departments: (days: Range): Source => ({
    path: "/api/chat/stats/departments",
    query: { days },
    file: `wardline-departments-${days}d.csv`,
  }),
  users: (days: Range, sort: Sort, page = 1, limit = 10): Source => ({
    path: "/api/chat/stats/users",
    query: { days, sort, page, limit },
    file: `wardline-people-${days}d.csv`,
  }),
};

export function ask<T>(api: Api, source: Source, signal?: AbortSignal): Promise<T> {
  return api.call<T>("GET", source.path, { query: source.query, signal });
}

export async function askPage<T>(api: Api, source: Source, signal?: AbortSignal): Promise<{ data: T; pagination?: Pagination }> {
  return api.page<T>("GET", source.path, { query: source.query, signal });
}

/** Fetches the same as CSV, with the token, puts it into the reader's words, and hands it to the browser as a file. */
export async function download(api: Api, source: Source, name: (field: string) => string): Promise<void> {
  const answer = await api.raw("GET", source.path, { query: source.query, accept: "text/csv" });
  const table = localised(await answer.text(), name);
  const url = URL.createObjectURL(new Blob([table], { type: "text/csv;charset=utf-8" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = source.file;
  anchor.click();
  // The browser has taken the file by the next task; a second is generous.
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
