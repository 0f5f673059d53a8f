// What the house has decided for clients; it comes with the sign-in.
import type { AlertContent } from "./alerts";

export interface House {
  /** The most that an alert shows. */
  notifyContentMax: AlertContent;
  /** Seconds without use after which a station that is nobody's own signs out; null: never. */
  autoLogoff: number | null;
}

/** What holds where the service does not say. */
const CAREFUL: House = { notifyContentMax: "sender", autoLogoff: 30 * 60 };
const CONTENTS: readonly unknown[] = ["none", "sender", "text"] satisfies AlertContent[];

/** The settings of an answer, whatever is missing or odd in it replaced by what is careful. */
export function houseOf(answer: unknown): House {
  const settings = ((answer as { settings?: unknown } | null)?.settings ?? {}) as Record<string, unknown>;
  const { notifyContentMax: content, autoLogoff } = settings;
  const seconds = typeof autoLogoff === "number" && autoLogoff > 0 ? autoLogoff : CAREFUL.autoLogoff;
  return {
    notifyContentMax: CONTENTS.includes(content) ? (content as AlertContent) : CAREFUL.notifyContentMax,
    autoLogoff: autoLogoff === null ? null : seconds,
  };
}
