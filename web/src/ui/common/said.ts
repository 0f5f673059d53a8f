import type { TFunction } from "i18next";

/** What a failed call says to a person: the service's own sentence, or that there is no service. */
export function said(problem: unknown, t: TFunction): string {
  const { code, message } = problem as Error & { code?: string };
  return code === "NETWORK" ? t("error.network") : message;
}
