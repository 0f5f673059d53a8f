// A list is one stop of the Tab key: arrows go from row to row, and only the row with the focus lets Tab into what is in it.
import { type RefObject, useEffect } from "react";

const STOPS = "a[href], button, input, select, textarea, audio, [tabindex]";

/** Keeps Tab out of everything inside of `rows`, except what is in the row that has the focus. */
export function useOneStop(frame: RefObject<HTMLElement | null>, rows: string): void {
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const apply = () => {
      const inside = document.activeElement?.closest(rows) ?? null;
      for (const stop of element.querySelectorAll<HTMLElement>(STOPS)) {
        const row = stop.closest(rows);
        if (!row || row === stop) continue;
        const wanted = row === inside;
        if (!wanted && stop.tabIndex >= 0) {
          stop.dataset.keptOut = "";
          stop.tabIndex = -1;
        } else if (wanted && stop.dataset.keptOut === "") {
          delete stop.dataset.keptOut;
          stop.tabIndex = 0;
        }
      }
    };
    let planned = 0;
    const soon = () => {
      if (planned) return;
      planned = requestAnimationFrame(() => {
        planned = 0;
        apply();
      });
    };
    apply();
    const watch = new MutationObserver(soon);
    watch.observe(element, { childList: true, subtree: true });
    element.addEventListener("focusin", apply);
    element.addEventListener("focusout", soon);
    return () => {
      cancelAnimationFrame(planned);
      watch.disconnect();
      element.removeEventListener("focusin", apply);
      element.removeEventListener("focusout", soon);
    };
  }, [frame, rows]);
}
