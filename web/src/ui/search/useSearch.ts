import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { Message } from "../../core/wire";
import { said } from "../common/said";

export interface Wanted {
  keyword: string;
  sessionId?: string;
  messageType?: string;
  sender?: string;
  mentions?: "me" | "all";
  from?: string;
  to?: string;
}

/** A message that was found, with the pieces that match. */
export type Found = Message & { highlights?: string[] };

const LIMIT = 20;

export function useSearch(client: ChatClient, wanted: Wanted) {
  const { t } = useTranslation();
  const [found, setFound] = useState<Found[]>([]);
  const [total, setTotal] = useState(0);
  const [page, setPage] = useState(0);
  const [more, setMore] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const leaving = useRef<AbortController>(undefined);
  const { keyword, sessionId, messageType, sender, mentions, from, to } = wanted;
  // Filters alone list the newest that fit; a place alone is no filter, that is the conversation itself.
  const wants = Boolean(keyword || messageType || sender || mentions || from || to);

  const fetch = useCallback(
    async (number: number) => {
      leaving.current?.abort();
      const mine = new AbortController();
      leaving.current = mine;
      setBusy(true);
      setProblem("");
      try {
        const filters = { sessionId, messageType, sender, mentions, from, to };
        const query = { userId: client.me, keyword, ...filters, page: number, limit: LIMIT };
        const answer = await client.api.page<Found[]>("GET", "/api/chat/messages/search", {
          query,
          signal: mine.signal,
        });
        setFound((before) => (number === 1 ? answer.data : [...before, ...answer.data]));
        setTotal(answer.pagination?.total ?? answer.data.length);
        setMore(answer.pagination?.hasMore ?? false);
        setPage(number);
        setBusy(false);
      } catch (thrown) {
        if (mine.signal.aborted) return;
        setProblem(said(thrown, t));
        setBusy(false);
      }
    },
    [client, keyword, sessionId, messageType, sender, mentions, from, to, t],
  );

  useEffect(() => {
    setFound([]);
    setTotal(0);
    setMore(false);
    setPage(0);
    setProblem("");
    if (wants) void fetch(1);
    else setBusy(false);
    return () => leaving.current?.abort();
  }, [wants, fetch]);

  const next = useCallback(() => void fetch(page + 1), [fetch, page]);
  return { found, total, more, busy, problem, done: page > 0 && !busy && !problem, next };
}
