// A finger that stays: what a mouse does with its right button. A finger that moves on scrolls.
import { type PointerEvent, useEffect, useRef } from "react";

const AFTER_MS = 500;
const MOVED_PX = 10;

export function useLongPress(open: (at: { x: number; y: number; target: Element }) => void) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const begun = useRef<{ x: number; y: number } | null>(null);
  /** The click that a lifted finger still makes belongs to the press. */
  const opened = useRef(0);
  const held = useRef(false);
  const end = () => {
    clearTimeout(timer.current);
    begun.current = null;
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    onPointerDown: (event: PointerEvent) => {
      end();
      held.current = false;
      if (event.pointerType !== "touch" || !event.isPrimary) return;
      const at = { x: event.clientX, y: event.clientY, target: event.target as Element };
      begun.current = at;
      timer.current = setTimeout(() => {
        end();
        opened.current = Date.now();
        held.current = true;
        open(at);
      }, AFTER_MS);
    },
    onPointerMove: (event: PointerEvent) => {
      const from = begun.current;
      if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) > MOVED_PX) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
    /** The lifted finger is no click: it would fall beside the menu and close it. */
    onTouchEnd: (event: { preventDefault(): void }) => {
      if (!held.current) return;
      held.current = false;
      event.preventDefault();
    },
    onClickCapture: (event: { preventDefault(): void; stopPropagation(): void }) => {
      if (Date.now() - opened.current > 1_000) return;
      opened.current = 0;
      event.preventDefault();
      event.stopPropagation();
    },
    /** The browser has its own sign for it; both together are one. */
    taken: () => {
      const mine = Date.now() - opened.current < 1_000;
      end();
      return mine;
    },
  };
}
