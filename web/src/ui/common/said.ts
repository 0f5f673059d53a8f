import type { TFunction } from "i18next";

/** What a failed call says to a person: the service's own sentence, or that there is no service. */
export function said(problem: unknown, t: TFunction): string {
  const { code, message, details } = problem as Error & { code?: string; details?: Record<string, unknown> };
  const seconds = Number(details?.retryAfter ?? 0);
  if (code === "RATE_LIMITED" && seconds > 0) return t("error.busyLater", { seconds });
  if (code === "WINDOW_CLOSED") return t("error.late");
  return code === "NETWORK" ? t("error.network") : message;
}
