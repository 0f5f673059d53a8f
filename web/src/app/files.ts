// Signed addresses of files, which an <img> or <audio> can load without a header. They live five minutes by the service's
// clock; we ask anew before that.
import type { Api } from "../core/api";
import { serviceClock } from "../core/clock";

export interface FileLink {
  url: string;
  thumbnailUrl?: string;
  expiresAt: string;
}

const BEFORE_MS = 30_000;
const KEPT = 500;
const known = new Map<string, { link: Promise<FileLink>; until: number }>();

/** Forgets all links: they carry the rights of the user who was signed in. */
export function forgetLinks(): void {
  known.clear();
}

/** Forgets one: the service no longer took it. */
export function forgetLink(fileUrl: string): void {
  known.delete(fileUrl);
}

/** A signed address for a message's `fileUrl`. Throws an `ApiError`. */
export function fileLink(api: Api, fileUrl: string): Promise<FileLink> {
  const kept = known.get(fileUrl);
  if (kept && kept.until > serviceClock.now()) return kept.link;
  const link = api.call<FileLink>("GET", `${fileUrl}/link`).then((made) => ({
    ...made,
    url: api.base + made.url,
    thumbnailUrl: made.thumbnailUrl && api.base + made.thumbnailUrl,
  }));
  const entry = { link, until: Number.POSITIVE_INFINITY };
  known.set(fileUrl, entry);
  if (known.size > KEPT) for (const oldest of [...known.keys()].slice(0, KEPT / 2)) known.delete(oldest);
  link.then(
    ({ expiresAt }) => {
      // Its date came with the same answer, so both are of one clock.
      entry.until = Date.parse(expiresAt) - BEFORE_MS;
    },
    () => known.delete(fileUrl),
  );
  return link;
}
