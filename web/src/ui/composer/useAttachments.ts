// The open conversation's attachments, as the composer uses them.
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import { type Attachment, COUNT_LIMIT, type Refusal, SIZE_LIMIT } from "../../core/attachments";
import type { ChatClient } from "../../core/client";
import type { FileKind } from "../../core/stored-file";
import { fileSize } from "../common/times";

export interface Attachments {
  all: readonly Attachment[];
  /** What was not taken, each by its name and why, for a person. */
  refusals: readonly string[];
  add(files: readonly File[], kind?: FileKind): void;
  remove(id: string): void;
  retry(id: string): void;
  forgive(): void;
}

export function useAttachments(client: ChatClient, sessionId: string): Attachments {
  const { t } = useTranslation();
  const store = client.attachments;
  const all = useValue(store, () => store.of(sessionId));
  const refused = useValue(store, () => store.refusals(sessionId));
  return useMemo(() => {
    const words = ({ name, why }: Refusal) =>
      t(`composer.${why}`, { name, limit: why === "tooLarge" ? fileSize(SIZE_LIMIT) : COUNT_LIMIT });
    return {
      all,
      refusals: refused.map(words),
      add: (files, kind) => store.add(sessionId, files, kind),
      remove: (id) => store.remove(sessionId, id),
      retry: (id) => store.retry(id),
      forgive: () => store.forgive(sessionId),
    };
  }, [store, sessionId, all, refused, t]);
}
