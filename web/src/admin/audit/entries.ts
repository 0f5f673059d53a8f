// The audit log: what is asked, and what an entry is.
import type { Answer, Api } from "../../core/api";

/** One act. What a later service adds beside these is shown among the details. */
export interface AuditEntry {
  _id?: string;
  id?: string;
  at: string;
  action: string;
  actor?: string | null;
  subject?: string | null;
  session?: string | null;
  /** As they are called, where the service knows it. */
  actorName?: string;
  subjectName?: string;
  address?: string | null;
  requestId?: string | null;
  [more: string]: unknown;
}

export interface AuditFilter {
  actor: string;
  subject: string;
  action: string;
  session: string;
  from: string;
  to: string;
}

export const NO_FILTER: AuditFilter = { actor: "", subject: "", action: "", session: "", from: "", to: "" };
const PATH = "/api/chat/audit";
export const AUDIT_PAGE = 50;

/** Newest first; `before` is the cursor of the page before. */
export function audit(api: Api, filter: AuditFilter, before: string, signal?: AbortSignal): Promise<Answer<AuditEntry[]>> {
  return api.page<AuditEntry[]>("GET", PATH, { query: { ...filter, before, limit: AUDIT_PAGE }, signal });
}

export const auditSource = (filter: AuditFilter) => ({
  path: PATH,
  query: { ...filter, limit: 200 },
  file: "wardline-audit.csv",
});

/** Where the next page begins; empty when there is none. */
export function cursorOf(answer: Answer<AuditEntry[]>): string {
  const said = answer.pagination as unknown as { hasMore?: boolean; next?: string; nextBefore?: string | null } | undefined;
  const last = answer.data.at(-1);
  if (!last || said?.hasMore === false) return "";
  if (said?.hasMore === undefined && answer.data.length < AUDIT_PAGE) return "";
  return said?.nextBefore ?? said?.next ?? last._id ?? last.id ?? "";
}

const SHOWN = new Set(["_id", "id", "at", "action", "actor", "subject", "session", "address", "local", "actorName", "subjectName"]);

/** What most entries say alike, and nobody looks for. */
const USUAL: Record<string, unknown> = { outcome: "done", gateway: "chat", count: 1 };

/** The details that find an act in other logs; shown last. */
const TECHNICAL = new Set(["requestId", "tokenId"]);

/**
 * What else an entry says, as pairs; what was changed reads `role: nurse → doctor`. `word` says what a value is called in the
 * reader's language.
 */
export function detailsOf(entry: AuditEntry, word: (value: string) => string = (value) => value): [string, string][] {
  const pairs: [string, string][] = [];
  const add = (name: string, value: unknown) => {
    if (value === null || value === undefined || value === "") return;
    if (typeof value !== "object") pairs.push([name, word(String(value))]);
    else if (name === "changes" && Array.isArray(value))
      for (const { field, from, to } of value as Record<string, unknown>[]) pairs.push([String(field), `${word(text(from))} → ${word(text(to))}`]);
    else if (Array.isArray(value)) pairs.push([name, value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one))).join(", ")]);
    else {
      const { from, to, ...rest } = value as Record<string, unknown>;
      if (from !== undefined || to !== undefined) pairs.push([name, `${word(text(from))} → ${word(text(to))}`]);
      const within = name === "details" || name === "changes" || name === "what";
      for (const [key, inner] of Object.entries(rest)) add(within ? key : `${name}.${key}`, inner);
    }
  };
  for (const [name, value] of Object.entries(entry)) if (!SHOWN.has(name) && USUAL[name] !== value) add(name, value);
  const last = ([name]: [string, string]) => Number(TECHNICAL.has(name));
  return pairs.sort((a, b) => last(a) - last(b));
}

const text = (value: unknown) =>
  value === null || value === undefined || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value);
