// Files that are dragged over the window. Wherever they are let go, the browser does not open them in place of the page; where
// there is something to attach them to, they are attached.
import { useEffect, useSyncExternalStore } from "react";

type Take = (files: File[]) => void;

const targets: Take[] = [];
const listeners = new Set<() => void>();
let hovering = false;

function set(next: boolean): void {
  if (hovering === next) return;
  hovering = next;
  for (const listener of listeners) listener();
}

/** Whether files hover over the window just now, and whether there is a place for them. */
export function useHovering(): "no" | "nowhere" | "here" {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => (hovering ? (targets.length ? "here" : "nowhere") : "no"),
  );
}

/** Takes what is dropped anywhere in the window, as long as it is drawn. */
export function useDropTarget(take: Take): void {
  useEffect(() => {
    targets.push(take);
    return () => {
      targets.splice(targets.indexOf(take), 1);
    };
  }, [take]);
}

/** Guards the window against drops; once, for as long as the page lives. */
export function guardDrops(): void {
  let depth = 0;
  const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  window.addEventListener("dragenter", (event) => {
    if (!withFiles(event)) return;
    event.preventDefault();
    depth += 1;
    set(true);
  });
  window.addEventListener("dragleave", (event) => {
    if (!withFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (depth === 0) set(false);
  });
  window.addEventListener("dragover", (event) => {
    if (!withFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = targets.length ? "copy" : "none";
  });
  window.addEventListener("drop", (event) => {
    depth = 0;
    set(false);
    if (!withFiles(event)) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    // A dialog covers the conversation: what is below it takes nothing.
    if (!document.querySelector("[role=dialog][aria-modal=true]")) targets.at(-1)?.(files);
  });
  window.addEventListener("dragend", () => {
    depth = 0;
    set(false);
  });
}
