// The settings of the organisation for clients; they come with the sign-in.
import type { AlertContent } from "./alerts";

export interface OrganisationSettings {
  /** The most that an alert shows. */
  notifyContentMax: AlertContent;
  /** Seconds without use after which a shared station signs out; null: never. */
  autoLogoff: number | null;
}

/** The settings that hold where the service sends none. */
const DEFAULTS: OrganisationSettings = { notifyContentMax: "sender", autoLogoff: 30 * 60 };
const CONTENTS: readonly unknown[] = ["none", "sender", "text"] satisfies AlertContent[];

/** Returns the settings of a response; missing or invalid ones are replaced by the defaults. */
export function organisationOf(answer: unknown): OrganisationSettings {
  const settings = ((answer as { settings?: unknown } | null)?.settings ?? {}) as Record<string, unknown>;
  const { notifyContentMax: content, autoLogoff } = settings;
  const seconds = typeof autoLogoff === "number" && autoLogoff > 0 ? autoLogoff : DEFAULTS.autoLogoff;
  return {
    notifyContentMax: CONTENTS.includes(content) ? (content as AlertContent) : DEFAULTS.notifyContentMax,
    autoLogoff: autoLogoff === null ? null : seconds,
  };
}
