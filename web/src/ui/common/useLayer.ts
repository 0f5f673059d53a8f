import { useEffect, useRef, useState } from "react";
import { type Layer, layers } from "../../app/layers";

interface LayerOptions {
  active?: boolean;
  /** Back closes it, too; only what the page itself goes back from does without. */
  inHistory?: boolean;
  /** Only its own buttons close it. */
  locked?: boolean;
}

/** As long as it is active, the topmost layer is closed by Escape and by Back; the focus goes back to what opened it. */
export function useLayer(onClose: () => void, { active = true, inHistory = true, locked = false }: LayerOptions = {}): void {
  const close = useRef(onClose);
  close.current = onClose;
  const opener = useRef<Element | null>(null);
  const [first] = useState(() => document.activeElement);
  useEffect(() => {
    if (!active) return;
    // A dialog has taken the focus by now; what opened it had it before the first drawing.
    opener.current = inHistory && first !== document.body ? first : document.activeElement;
    const layer: Layer = layers.push(() => close.current(), inHistory && !locked, locked);
    return () => {
      layers.remove(layer);
      if (inHistory) setTimeout(() => giveBack(opener.current));
    };
  }, [active, inHistory, locked, first]);
}

/** The focus goes to what opened the layer, else to where one writes; not when something else has taken it. */
function giveBack(opener: Element | null): void {
  const now = document.activeElement;
  if (now && now !== document.body && now.checkVisibility()) return;
  const writes = window.matchMedia("(hover: none)").matches ? null : document.querySelector("textarea[aria-autocomplete]");
  const target = opener?.isConnected && opener !== document.body && opener.checkVisibility() ? opener : writes;
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}
