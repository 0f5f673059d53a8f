// What tabs of one person in one browser tell each other.
import type { Draft } from "./draft";

export type TabNews =
  | { what: "draft"; draft: Draft }
  /** The files of a session's draft are others now; the storage has them. */
  | { what: "files"; sessionId: string };

export interface Tabs {
  tell(news: TabNews): void;
  listen(hear: (news: TabNews) => void): void;
  close(): void;
}

/** The person's other tabs; absent where the browser has no way to them. */
export function browserTabs(userId: string): Tabs | undefined {
  if (typeof BroadcastChannel === "undefined") return undefined;
  const channel = new BroadcastChannel(`wardline-${userId}`);
  let closed = false;
  return {
    tell: (news) => {
      if (!closed) channel.postMessage(news);
    },
    listen: (hear) => channel.addEventListener("message", (event: MessageEvent<TabNews>) => hear(event.data)),
    close: () => {
      closed = true;
      channel.close();
    },
  };
}
