// The open conversation's attachments, as the composer uses them.
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { type Attachment, COUNT_LIMIT, type Refusal, SIZE_LIMIT } from "../../app/attachments";
import { useValue } from "../../app/hooks";
import type { Outgoing } from "../../core/outbox-entry";
import { fileSize } from "../common/times";

export interface Attachments {
  all: readonly Attachment[];
  ready: readonly Attachment[];
  /** Nothing is on its way. */
  settled: boolean;
  /** Why something was not taken, for a person; empty otherwise. */
  problem: string;
  add(files: readonly File[], kind?: Attachment["kind"]): void;
  remove(id: number): void;
  retry(id: number): void;
  takeReady(): Outgoing[];
}

export function useAttachments(sessionId: string): Attachments {
  const { t } = useTranslation();
  const { attachments: store } = useAccount();
  const all = useValue(store, () => store.of(sessionId));
  const refusal = useValue(store, () => store.refusal(sessionId));
  return useMemo(() => {
    const words = (refused: Refusal) =>
      refused.why === "tooLarge"
        ? t("composer.tooLarge", { name: refused.name, limit: fileSize(SIZE_LIMIT) })
        : t("composer.tooMany", { limit: COUNT_LIMIT });
    return {
      all,
      ready: all.filter((one) => one.uploaded),
      settled: all.every((one) => one.uploaded || one.problem),
      problem: refusal ? words(refusal) : "",
      add: (files, kind) => store.add(sessionId, files, kind),
      remove: (id) => store.remove(sessionId, id),
      retry: (id) => store.retry(sessionId, id),
      takeReady: () => store.takeReady(sessionId),
    };
  }, [store, sessionId, all, refusal, t]);
}
