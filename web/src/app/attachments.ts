// What the browser does for attached files: how they are uploaded, and what is made of pictures that others cannot open.
import type { AttachmentOptions } from "../core/attachments";
import { upload } from "./upload";

const HEIC = /^image\/hei[cf](-sequence)?$/;
const BRANDS = /^ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)/;
const QUALITY = 0.92;

/** Whether a file is one of a telephone's pictures that most browsers do not show. */
async function isHeic(file: File): Promise<boolean> {
  if (HEIC.test(file.type) || /\.hei[cf]$/i.test(file.name)) return true;
  if (file.type !== "" && file.type !== "application/octet-stream") return false;
  return BRANDS.test(await file.slice(4, 12).text());
}

/** The same picture as a JPEG, upright, where this browser can decode it; else the file as it is. */
export async function prepared(file: File): Promise<File> {
  if (!(await isHeic(file)) || typeof createImageBitmap !== "function") return file;
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  picture.close();
  const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!made || made.size === 0) return file;
  const name = `${file.name.replace(/\.hei[cf]$/i, "")}.jpg`;
  return new File([made], name, { type: "image/jpeg", lastModified: file.lastModified });
}

export const browserAttachments: AttachmentOptions = { uploader: upload, prepare: prepared };
