// A list of things to press is one stop of the Tab key: arrows go from one to the next.
import { useCallback, useRef } from "react";
import { composing } from "./ime";

/** What is a list's present item to Tab: the one with the focus, else the chosen one, else where one was last, else the first. */
function presentOf(items: readonly HTMLElement[], last: Element | null): HTMLElement | undefined {
  const now = document.activeElement;
  return (
    items.find((one) => one === now) ??
    items.find((one) => one.hasAttribute("aria-current")) ??
    items.find((one) => one === last) ??
    items[0]
  );
}

/**
 * Give what it returns to the list's element as its `ref`. Of what matches `items` inside, Tab comes to one; up, down, Home and
 * End go to the others. `before` is called when one goes up from the first.
 */
export function useArrowList(items: string, before?: () => void): (list: HTMLElement | null) => (() => void) | undefined {
  const above = useRef(before);
  above.current = before;
  return useCallback(
    (list: HTMLElement | null) => {
      if (!list) return undefined;
      let last: Element | null = null;
      const all = () => [...list.querySelectorAll<HTMLElement>(items)];
      const apply = () => {
        const found = all();
        const present = presentOf(found, last);
        for (const one of found) {
          const wanted = one === present ? 0 : -1;
          if (one.tabIndex !== wanted) one.tabIndex = wanted;
        }
      };
      let planned = 0;
      const soon = () => {
        planned ||= requestAnimationFrame(() => {
          planned = 0;
          apply();
        });
      };
      const entered = () => {
        if (document.activeElement?.matches(items)) last = document.activeElement;
        apply();
      };
      const pressed = (event: KeyboardEvent) => {
        if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || composing(event)) return;
        const found = all();
        const at = found.findIndex((one) => one === event.target);
        const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: found.length - 1 }[event.key];
        if (at < 0 || to === undefined) return;
        event.preventDefault();
        if (to < 0) above.current?.();
        else found[to]?.focus();
      };
      apply();
      const watch = new MutationObserver(soon);
      watch.observe(list, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-current"] });
      list.addEventListener("focusin", entered);
      list.addEventListener("keydown", pressed);
      return () => {
        cancelAnimationFrame(planned);
        watch.disconnect();
        list.removeEventListener("focusin", entered);
        list.removeEventListener("keydown", pressed);
      };
    },
    [items],
  );
}
