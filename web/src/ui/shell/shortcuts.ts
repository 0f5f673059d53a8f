// The keyboard's ways through the chat. Keys that people type with are left alone: in a field
// everything needs a modifier.
import { useEffect } from "react";
import { useLocation } from "wouter";
import type { ChatClient } from "../../core/client";
import { composing } from "../common/ime";

interface Ways {
  client: ChatClient;
  sessionId: string | undefined;
  openSearch(): void;
  showChats(): void;
  showKeys(): void;
}

/** The field that finds conversations; it may have to be drawn first. */
export const FIND_ID = "find-conversation";

export function useShortcuts({ client, sessionId, openSearch, showChats, showKeys }: Ways): void {
  const [, go] = useLocation();
  useEffect(() => {
    const find = () => {
      showChats();
      const field = document.getElementById(FIND_ID);
      // At once where it can be seen: what is typed right after the keys belongs into it.
      if (field?.checkVisibility()) return field.focus();
      if (!field) go("/");
      requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(FIND_ID)?.focus()));
    };
    const step = (by: number) => {
      const all = client.listed();
      const at = all.findIndex((session) => session.id === sessionId);
      const to = all[Math.min(all.length - 1, Math.max(0, at + by))];
      if (to) go(`/s/${to.id}`);
    };
    const pressed = (event: KeyboardEvent) => {
      if (composing(event) || event.defaultPrevented) return;
      const main = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (main && !event.shiftKey && key === "k") find();
      else if (main && event.shiftKey && key === "f") openSearch();
      else if (event.key === "?" && !main && !event.altKey && !writes(event.target)) showKeys();
      else if (event.altKey && event.key === "ArrowDown") step(1);
      else if (event.altKey && event.key === "ArrowUp") step(-1);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [client, sessionId, openSearch, showChats, showKeys, go]);
}

/** Whether keys are text there. */
function writes(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.closest) return false;
  return element.isContentEditable || element.closest("input, textarea, select, [role=textbox]") !== null;
}
