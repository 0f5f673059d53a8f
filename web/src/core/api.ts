// The REST calls, and what a failure of them is. It knows the envelope and the token; what the answers mean is others' business.
import { learnServiceTime, serviceClock } from "./clock";
import type { components } from "../types/openapi";
import { Observable } from "./observable";

type Schemas = components["schemas"];
/** Fields of a user beside the rest of the profile. */
export interface Standing {
  /** The user registered themselves, and no administrator has confirmed the account yet. */
  selfRegistered?: boolean;
  /** The user shows their telephone number and e-mail address to everybody. */
  contactsShared?: boolean;
  /** Another user set the password, so it has to be changed before anything else. */
  mustChangePassword?: boolean | null;
}

export type User = Schemas["User"] & Standing;
export type SessionListed = Schemas["SessionListed"];
export type SessionInfo = Schemas["SessionInfo"];
export type SignedIn = Schemas["SignedIn"];
export type Receipts = Schemas["Receipts"];

export interface Pagination {
  page: number;
  limit: number;
  total: number;
  pages: number;
  hasMore: boolean;
  /** `cursor` of the next look; absent at the end. */
  nextCursor?: string;
}

/** A refusal by the service, or its absence (`code` is then `NETWORK`). */
export class ApiError extends Error {
  constructor(
    /** The stable code of the contract, or `NETWORK`. */
    readonly code: string,
    /** For a person, in their language. */
    message: string,
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    readonly details: Record<string, unknown> = {},
    /** Of each bad field a stable code, to be put into the reader's words. */
    readonly fieldCodes: Record<string, string> = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export interface Answer<T> {
  data: T;
  pagination?: Pagination;
}

export interface ApiOptions {
  /** Where the service is; empty for the page's own origin. */
  base?: string;
  fetch?: typeof fetch;
  /** What people read failures in, for `Accept-Language`. */
  language?: () => string;
  /** Called when the service no longer takes the token. */
  onSignedOut?: (code: string) => void;
}

type Query = Record<string, string | number | boolean | undefined>;

export interface Call {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** Milliseconds until an answer is given up. */
  timeout?: number;
}

const TIMEOUT_MS = 20_000;

/** Reading is repeated by itself when the service asks to wait no longer than this, and so often. */
const PATIENCE = { seconds: 30, times: 3 } as const;

/** Whether the service asked to wait. */
export class Busy extends Observable {
  /** Until when, by the service's clock. */
  until = 0;

  say(until: number): void {
    this.until = until;
    this.changed();
  }
}

export class Api {
  readonly busy = new Busy();
  /** The bearer token; empty before anybody has signed in. */
  token = "";

  constructor(private readonly options: ApiOptions = {}) {}

  get base(): string {
    return this.options.base ?? "";
  }

  /** The answer's `data`. Throws an {@link ApiError}. */
  async call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return (await this.page<T>(method, path, call)).data;
  }

  /** The answer's `data` with its `pagination`. Throws an {@link ApiError}. */
  async page<T>(method: string, path: string, call: Call = {}): Promise<Answer<T>> {
    const response = await this.raw(method, path, call);
    return (await response.json()) as Answer<T>;
  }

  /** A form with files; the answer's `data`. Throws an {@link ApiError}. */
  async send<T>(method: string, path: string, form: FormData, signal?: AbortSignal): Promise<Answer<T>> {
    let response: Response;
    try {
      const headers = this.headers(false);
      response = await (this.options.fetch ?? fetch)(this.base + path, { method, headers, body: form, signal, credentials: "omit" });
    } catch (cause) {
      if (signal?.aborted) throw new ApiError("CANCELLED", "cancelled", 0);
      throw cause instanceof ApiError ? cause : new ApiError("NETWORK", "network", 0);
    }
    if (!response.ok) throw await failureOf(response);
    return (await response.json()) as Answer<T>;
  }

  /** A successful response as it is, for what is no envelope (CSV, images). Throws an {@link ApiError}. */
  async raw(method: string, path: string, call: Call & { accept?: string } = {}, tried = 0): Promise<Response> {
    const token = this.token;
    const limit = AbortSignal.timeout(call.timeout ?? TIMEOUT_MS);
    let response: Response;
    try {
      response = await (this.options.fetch ?? fetch)(this.base + path + search(call.query), {
        method,
        headers: this.headers(call.body !== undefined, call.accept),
        body: call.body === undefined ? undefined : JSON.stringify(call.body),
        signal: call.signal ? AbortSignal.any([call.signal, limit]) : limit,
        credentials: "omit",
      });
    } catch (cause) {
      if (call.signal?.aborted) throw cause;
      throw new ApiError("NETWORK", "network", 0);
    }
    learnServiceTime(response.headers.get("date"));
    if (response.ok) return response;
    const failure = await failureOf(response);
    const asked = failure.code === "RATE_LIMITED" ? Number(failure.details.retryAfter ?? 0) : 0;
    if (method === "GET" && asked > 0 && asked <= PATIENCE.seconds && tried < PATIENCE.times) {
      this.busy.say(serviceClock.now() + asked * 1_000);
      await new Promise((resume) => setTimeout(resume, asked * 1_000));
      call.signal?.throwIfAborted();
      return this.raw(method, path, call, tried + 1);
    }
    if (response.status === 401 && token !== "" && token === this.token) this.options.onSignedOut?.(failure.code);
    throw failure;
  }

  headers(json: boolean, accept?: string): Record<string, string> {
    const headers: Record<string, string> = { "Accept-Language": this.options.language?.() ?? "en" };
    if (json) headers["Content-Type"] = "application/json";
    if (accept) headers.Accept = accept;
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    return headers;
  }
}

/** What a failed response says, also when it is none of our envelopes (a proxy's page). */
async function failureOf(response: Response): Promise<ApiError> {
  try {
    return failure(await response.json(), response.status);
  } catch {
    return new ApiError("INTERNAL", `HTTP ${response.status}`, response.status);
  }
}

/** A failure envelope, of a response or of a socket's acknowledgement, as an error. */
export function failure(body: unknown, status = 0): ApiError {
  const text = (value: unknown, otherwise: string) => (typeof value === "string" && value ? value : otherwise);
  const envelope = (body ?? {}) as Record<string, unknown>;
  return new ApiError(
    text(envelope.code, "INTERNAL"),
    text(envelope.message, `HTTP ${status}`),
    status,
    (envelope.details ?? {}) as Record<string, unknown>,
    (envelope.fieldCodes ?? {}) as Record<string, string>,
  );
}

function search(query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}` : "";
}
