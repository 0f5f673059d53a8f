// One file's way to the service; how it goes is the platform's business.
import type { Api } from "./api";

export interface UploadedFile {
  fileId: string;
  fileUrl: string;
  fileName: string;
  fileSize: number;
  mimeType: string;
  width?: number;
  height?: number;
  duration?: number;
}

export interface Upload {
  /** Rejects with an `ApiError`; `CANCELLED` after {@link Upload.cancel}. */
  done: Promise<UploadedFile>;
  cancel(): void;
}

/** `progress` hears of parts between 0 and 1. */
export type Uploader = (api: Api, file: File, progress: (done: number) => void) => Upload;

/** By `fetch`, where nothing better is given; it does not tell how far it is. */
export const fetchUploader: Uploader = (api, file) => {
  const leaving = new AbortController();
  const send = async (): Promise<UploadedFile> => {
    const form = new FormData();
    form.append("file", file, file.name);
    return (await api.send<UploadedFile>("POST", "/api/chat/files", form, leaving.signal)).data;
  };
  return { done: send(), cancel: () => leaving.abort() };
};
