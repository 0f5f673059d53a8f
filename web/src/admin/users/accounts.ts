// The calls about accounts, and what a form about one holds.
import type { Answer, Api, User } from "../../core/api";

export const ROLES = ["admin", "doctor", "nurse", "user"] as const;
export type Role = (typeof ROLES)[number];
export type Standing = "true" | "false" | "all";

export interface Filter {
  search: string;
  role: Role | "";
  active: Standing;
  page: number;
}

/** What a form holds; all texts, as typed. */
export interface Profile {
  realName: string;
  role: Role;
  department: string;
  title: string;
  email: string;
  phone: string;
}

export interface NewProfile extends Profile {
  username: string;
  password: string;
}

export const PAGE = 25;

export function list(api: Api, filter: Filter, signal?: AbortSignal): Promise<Answer<User[]>> {
  const { search, role, active, page } = filter;
  return api.page<User[]>("GET", "/api/chat/users", { query: { search: search.trim(), role, active, page, limit: PAGE }, signal });
}

/** The departments people are in already, to be offered when one is typed. */
export async function departments(api: Api, signal?: AbortSignal): Promise<string[]> {
  const users = await api.call<User[]>("GET", "/api/chat/users", { query: { active: "all", limit: 1000 }, signal });
  return [...new Set(users.map((user) => user.department ?? ""))].filter(Boolean).sort();
}

export function create(api: Api, profile: NewProfile): Promise<User> {
  return api.call<User>("POST", "/api/chat/users", { body: profile });
}

export function change(api: Api, id: string, changed: Partial<Profile> & { isActive?: boolean; password?: string }): Promise<User> {
  return api.call<User>("PATCH", `/api/chat/users/${id}`, { body: changed });
}

/** Ends every token and connection of a user, who may sign in again. */
export function endSessions(api: Api, id: string): Promise<void> {
  return api.call("DELETE", `/api/chat/users/${id}/sessions`);
}

/** Returns the changed fields only, so that fields that another administrator changed meanwhile are kept. */
export function difference(user: User, profile: Profile): Partial<Profile> {
  const entries = Object.entries(profile).filter(([name, value]) => value !== ((user as unknown as Record<string, unknown>)[name] ?? ""));
  return Object.fromEntries(entries) as Partial<Profile>;
}

/** A password that can be read aloud: no letters that look alike, sixteen characters, about 80 bits. */
export function suggestPassword(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const limit = 256 - (256 % letters.length);
  let word = "";
  while (word.length < 16) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < limit && word.length < 16) word += letters[byte % letters.length];
    }
  }
  return word.replace(/(.{4})(?=.)/g, "$1-");
}
