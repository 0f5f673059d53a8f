// What a paste means. A clipboard may hold one thing in several forms: cells of a table are text and a picture of them; a file
// is itself and its name as text.
import { type ClipboardEvent, type RefObject, useCallback, useEffect, useState } from "react";
import { insertInto } from "./insert";

export interface Clipboard {
  text: string;
  html: string;
  files: readonly File[];
}

/** Whether the files are what was copied, or the text, with the files as another form of it. */
export function means({ text, html, files }: Clipboard): "files" | "text" {
  if (files.length === 0) return "text";
  const lines = text.trim().split(/\r?\n/).filter(Boolean);
  if (lines.length === 0) return "files";
  // A file manager's copy has the names, or the places, as text.
  const names = files.map((file) => file.name);
  const tail = (line: string) => decoded(line).split(/[\\/]/).at(-1) ?? "";
  if (lines.length <= files.length && lines.every((line) => names.includes(tail(line)))) return "files";
  // A picture that was copied from a page: nothing but it, perhaps with its address.
  const address = lines.length === 1 && /^(https?|file|data|blob):/i.test(lines[0] ?? "");
  const words = html.replace(/<!--[\s\S]*?-->|<(style|script)[\s\S]*?<\/\1>|<[^>]*>|&nbsp;/gi, "").trim();
  if (/<img\b/i.test(html) && !words) return "files";
  return address && !words ? "files" : "text";
}

function decoded(line: string): string {
  try {
    return decodeURIComponent(line);
  } catch {
    return line;
  }
}

export function usePaste(add: (files: File[]) => void, field: RefObject<HTMLTextAreaElement | null>) {
  const [offered, setOffered] = useState<File[]>([]);

  const take = useCallback(
    (data: DataTransfer): "attached" | "text" => {
      const files = [...data.files];
      const text = data.getData("text/plain");
      if (means({ text, html: data.getData("text/html"), files }) === "files") {
        setOffered([]);
        add(files);
        return "attached";
      }
      setOffered(files);
      return "text";
    },
    [add],
  );

  const pasted = useCallback(
    (event: ClipboardEvent) => {
      // The text itself the browser puts in, with its tabs and its way back.
      if (take(event.clipboardData) === "attached") event.preventDefault();
    },
    [take],
  );

  // A paste while nothing that can be written into has the focus is meant for the conversation.
  useEffect(() => {
    const anywhere = (event: globalThis.ClipboardEvent) => {
      const target = event.target as Element | null;
      const element = field.current;
      if (!event.clipboardData || event.defaultPrevented || !element) return;
      if (target?.closest("input, textarea, select, [contenteditable], [role=dialog], [role=menu], aside")) return;
      if (document.querySelector("[role=dialog][aria-modal=true]")) return;
      event.preventDefault();
      const text = event.clipboardData.getData("text/plain");
      if (take(event.clipboardData) === "text" && text) {
        insertInto(element, element.selectionStart, element.selectionEnd, text);
      }
    };
    document.addEventListener("paste", anywhere);
    return () => document.removeEventListener("paste", anywhere);
  }, [field, take]);

  return {
    offered,
    pasted,
    accept: () => {
      add(offered);
      setOffered([]);
      field.current?.focus();
    },
    decline: () => {
      setOffered([]);
      field.current?.focus();
    },
  };
}
