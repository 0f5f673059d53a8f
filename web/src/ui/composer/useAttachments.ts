// Files beside the text: uploaded at once, with progress; sent with the text when they are there.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Upload, type UploadedFile, upload } from "../../app/upload";
import type { Api } from "../../core/api";
import type { Outgoing } from "../../core/outbox-entry";
import { fileSize } from "../common/times";

/** The service's default; it has the last word. */
const SIZE_LIMIT = 25_000_000;
const COUNT_LIMIT = 10;

export interface Attachment {
  id: number;
  file: File;
  kind: "image" | "file" | "voice";
  /** A picture of it on this device; an object address that is let go with it. */
  preview?: string;
  /** From 0 to 1. */
  progress: number;
  uploaded?: UploadedFile;
  problem?: string;
}

export interface Attachments {
  all: readonly Attachment[];
  ready: readonly Attachment[];
  /** Nothing is on its way. */
  settled: boolean;
  problem: string;
  add(files: readonly File[], kind?: Attachment["kind"]): void;
  remove(id: number): void;
  retry(id: number): void;
  /** Those that are there, as messages to send; they are no longer here then. */
  takeReady(): Outgoing[];
}

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

let lastId = 0;

export function useAttachments(api: Api): Attachments {
  const { t } = useTranslation();
  const [all, setAll] = useState<readonly Attachment[]>([]);
  const [problem, setProblem] = useState("");
  const running = useRef(new Map<number, Upload>());
  const latest = useRef(all);
  latest.current = all;

  const change = useCallback((id: number, how: Partial<Attachment>) => {
    setAll((before) => before.map((one) => (one.id === id ? { ...one, ...how } : one)));
  }, []);

  const begin = useCallback(
    (attachment: Attachment) => {
      const { id, file } = attachment;
      change(id, { progress: 0, problem: undefined });
      const started = upload(api, file, (progress) => change(id, { progress }));
      running.current.set(id, started);
      started.done
        .then(
          (uploaded) => change(id, { uploaded, progress: 1 }),
          (thrown: Error & { code?: string }) =>
            change(id, { problem: thrown.code === "NETWORK" ? t("error.network") : thrown.message }),
        )
        .finally(() => running.current.delete(id));
    },
    [api, change, t],
  );

  const add = useCallback(
    (files: readonly File[], kind?: Attachment["kind"]) => {
      setProblem("");
      const large = files.find((file) => file.size > SIZE_LIMIT);
      if (large) setProblem(t("composer.tooLarge", { name: large.name, limit: fileSize(SIZE_LIMIT) }));
      const fitting = files.filter((file) => file.size <= SIZE_LIMIT && file.size > 0);
      const room = COUNT_LIMIT - latest.current.length;
      if (fitting.length > room) setProblem(t("composer.tooMany", { limit: COUNT_LIMIT }));
      const made = fitting.slice(0, Math.max(0, room)).map((file): Attachment => {
        const image = IMAGES.has(file.type);
        lastId += 1;
        const preview = image ? URL.createObjectURL(file) : undefined;
        return { id: lastId, file, kind: kind ?? (image ? "image" : "file"), preview, progress: 0 };
      });
      setAll((before) => [...before, ...made]);
      for (const one of made) begin(one);
    },
    [begin, t],
  );

  const remove = useCallback((id: number) => {
    running.current.get(id)?.cancel();
    const gone = latest.current.find((one) => one.id === id);
    if (gone?.preview) URL.revokeObjectURL(gone.preview);
    setAll((before) => before.filter((one) => one.id !== id));
    setProblem("");
  }, []);

  const retry = useCallback(
    (id: number) => {
      const again = latest.current.find((one) => one.id === id);
      if (again) begin(again);
    },
    [begin],
  );

  const takeReady = useCallback(() => {
    const ready = latest.current.filter((one) => one.uploaded);
    for (const one of ready) if (one.preview) URL.revokeObjectURL(one.preview);
    setAll((before) => before.filter((one) => !one.uploaded));
    return ready.map(outgoing);
  }, []);

  useEffect(() => {
    const mine = running.current;
    return () => {
      for (const one of mine.values()) one.cancel();
      for (const one of latest.current) if (one.preview) URL.revokeObjectURL(one.preview);
    };
  }, []);

  return useMemo(() => {
    const ready = all.filter((one) => one.uploaded);
    const settled = all.every((one) => one.uploaded || one.problem);
    return { all, ready, settled, problem, add, remove, retry, takeReady };
  }, [all, problem, add, remove, retry, takeReady]);
}

function outgoing({ uploaded, kind }: Attachment): Outgoing {
  // The service looked into the file: what it does not take for a picture is a file.
  const image = kind === "image" && uploaded?.mimeType.startsWith("image/");
  return {
    messageType: kind === "voice" ? "voice" : image ? "image" : "file",
    content: "",
    fileUrl: uploaded?.fileUrl,
    fileName: uploaded?.fileName,
    fileSize: uploaded?.fileSize,
  };
}
