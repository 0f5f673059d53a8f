// One file's way to the service by XMLHttpRequest, which tells how far it is.
import { ApiError, failure } from "../core/api";
import type { UploadedFile, Uploader } from "../core/uploader";

export const upload: Uploader = (api, file, progress) => {
  const call = new XMLHttpRequest();
  const done = new Promise<UploadedFile>((resolve, reject) => {
    call.open("POST", `${api.base}/api/chat/files`);
    for (const [name, value] of Object.entries(api.headers(false))) call.setRequestHeader(name, value);
    call.responseType = "json";
    call.upload.onprogress = (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    };
    call.onload = () => {
      if (call.status >= 200 && call.status < 300) resolve(call.response.data as UploadedFile);
      else reject(failure(call.response, call.status));
    };
    call.onerror = () => reject(new ApiError("NETWORK", "network", 0));
    call.onabort = () => reject(new ApiError("CANCELLED", "cancelled", 0));
    const form = new FormData();
    form.append("file", file, file.name);
    call.send(form);
  });
  return { done, cancel: () => call.abort() };
};
