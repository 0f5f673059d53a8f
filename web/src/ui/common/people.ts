// Finding people: the service looks into names, departments and titles, also by pinyin; who is called so comes first.
import { useCallback, useEffect, useRef, useState } from "react";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";

/** A text in the form in which it is compared: without case, accents and the widths of letters. */
export function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase().replace(/\s+/g, " ").trim();
}

type Known = Partial<Pick<User, "realName" | "username" | "department" | "title">>;

/**
 * Ranks how well a user matches a search, less being better: the name equals it, begins with it, has a word that begins
 * with it, contains it; then matches that only the service finds (by pinyin); then matches of other profile fields.
 */
export function fit(person: Known, sought: string): number {
  const wanted = folded(sought);
  if (!wanted) return 0;
  const names = [person.realName ?? "", person.username ?? ""].map(folded);
  if (names.some((name) => name === wanted)) return 0;
  if (names.some((name) => name.startsWith(wanted))) return 1;
  if (names.some((name) => name.split(/[\s._-]+/).some((word) => word.startsWith(wanted)))) return 2;
  if (names.some((name) => name.includes(wanted))) return 3;
  return [person.department ?? "", person.title ?? ""].some((word) => folded(word).includes(wanted)) ? 5 : 4;
}

/** Whether a user matches without the service: each word of the search is in one of their texts. */
export function fits(texts: readonly (string | undefined)[], sought: string): boolean {
  const about = folded(texts.filter(Boolean).join(" "));
  return folded(sought)
    .split(" ")
    .every((word) => about.includes(word));
}

/** Those who fit best first; of equal ones the order stays. */
export function byFit<T extends Known>(people: readonly T[], sought: string): T[] {
  return people
    .map((person, at) => ({ person, at, rank: fit(person, sought) }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .map(({ person }) => person);
}

export interface PeopleFound {
  /** Null until the first answer, and while it could not be had. */
  people: readonly User[] | null;
  /** What was sought when they were found: while an answer is on its way, not what is sought now. */
  of: string;
  /** How many there are in all; more than `people` when there are further pages. */
  total: number;
  busy: boolean;
  failed: boolean;
  more(): void;
  again(): void;
}

interface Wanted {
  limit: number;
  /** Whether nothing sought means everybody; otherwise nobody. */
  all?: boolean;
}

/** People as the service finds them, page by page. What comes is known to the whole client from then on. */
export function usePeople(client: ChatClient, sought: string, { limit, all = false }: Wanted): PeopleFound {
  const [{ people, of }, setFound] = useState<{ people: readonly User[] | null; of: string }>({ people: null, of: "" });
  const [total, setTotal] = useState(0);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const page = useRef(0);
  const leaving = useRef<AbortController>(undefined);

  const fetch = useCallback(
    async (number: number) => {
      leaving.current?.abort();
      const mine = new AbortController();
      leaving.current = mine;
      setBusy(true);
      setFailed(false);
      try {
        const query = { search: sought, page: number, limit };
        const answer = await client.api.page<User[]>("GET", "/api/chat/users", { query, signal: mine.signal });
        client.people.learn(answer.data);
        page.current = number;
        setFound((before) => ({
          people: byFit(number === 1 ? answer.data : [...(before.people ?? []), ...answer.data], sought),
          of: sought,
        }));
        setTotal(answer.pagination?.total ?? answer.data.length);
      } catch {
        if (mine.signal.aborted) return;
        setFailed(true);
        setFound({ people: null, of: sought });
      }
      setBusy(false);
    },
    [client, sought, limit],
  );
  useEffect(() => {
    if (sought || all) void fetch(1);
    else {
      setFound({ people: null, of: "" });
      setTotal(0);
      setBusy(false);
      setFailed(false);
    }
    return () => leaving.current?.abort();
  }, [fetch, sought, all]);

  return {
    people: sought || all ? people : null,
    of,
    total,
    busy,
    failed,
    more: useCallback(() => void fetch(page.current + 1), [fetch]),
    again: useCallback(() => void fetch(1), [fetch]),
  };
}

/** Whether the name or the other user of a session matches a search, or the service found that user. */
export function sessionFits(
  name: string,
  other: Known | undefined,
  topic: string | undefined,
  sought: string,
): boolean {
  return fits([name, other ? nameOf(other as User) : "", other?.username, other?.department, other?.title, topic], sought);
}
