// Wheel, two fingers, dragging, keys and a double click on a picture.
import { type PointerEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { FITTING, moved, type Place, scaled } from "./zoom";

const STEP = 1.4;
const CLICK_PX = 5;

export function useZoom(stage: RefObject<HTMLElement | null>, of: string) {
  const [place, setPlace] = useState<Place>(FITTING);
  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const dragged = useRef(0);
  useEffect(() => setPlace(FITTING), [of]);

  const fromMiddle = useCallback(
    (x: number, y: number) => {
      const box = stage.current?.getBoundingClientRect();
      return box ? { x: x - box.left - box.width / 2, y: y - box.top - box.height / 2 } : { x: 0, y: 0 };
    },
    [stage],
  );
  const room = useCallback(() => {
    const { clientWidth: width = 0, clientHeight: height = 0 } = stage.current ?? {};
    return { width, height };
  }, [stage]);

  // React's own wheel listeners cannot call the page's scrolling off.
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const turned = (event: WheelEvent) => {
      event.preventDefault();
      const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002));
      setPlace((before) => scaled(before, factor, fromMiddle(event.clientX, event.clientY)));
    };
    element.addEventListener("wheel", turned, { passive: false });
    return () => element.removeEventListener("wheel", turned);
  }, [stage, fromMiddle, of]);

  const zoom = useCallback((factor: number) => setPlace((before) => scaled(before, factor)), []);
  const turn = useCallback(() => setPlace((before) => ({ ...FITTING, turns: (before.turns + 1) % 4 })), []);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "+" || event.key === "=") zoom(STEP);
      else if (event.key === "-") zoom(1 / STEP);
      else if (event.key === "0") setPlace(FITTING);
      else if (event.key === "r") turn();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [zoom, turn]);

  const spread = () => {
    const [one, other] = [...fingers.current.values()];
    if (!one || !other) return null;
    return { wide: Math.hypot(one.x - other.x, one.y - other.y), x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
  };
  const handlers = {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      dragged.current = 0;
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const before = fingers.current.get(event.pointerId);
      if (!before) return;
      const was = spread();
      const now = { x: event.clientX, y: event.clientY };
      fingers.current.set(event.pointerId, now);
      const by = { x: now.x - before.x, y: now.y - before.y };
      dragged.current += Math.hypot(by.x, by.y);
      const is = spread();
      if (was && is) {
        const factor = is.wide / Math.max(1, was.wide);
        setPlace((old) => moved(scaled(old, factor, fromMiddle(is.x, is.y)), { x: is.x - was.x, y: is.y - was.y }, room()));
      } else setPlace((old) => moved(old, by, room()));
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => fingers.current.delete(event.pointerId),
    onPointerCancel: (event: PointerEvent<HTMLElement>) => fingers.current.delete(event.pointerId),
    /** A click between fitting and large; not at the end of a drag. */
    onClick: (event: { clientX: number; clientY: number }) => {
      if (dragged.current > CLICK_PX) return;
      setPlace((before) =>
        before.scale > 1 ? { ...FITTING, turns: before.turns } : scaled(before, 2.5, fromMiddle(event.clientX, event.clientY)),
      );
    },
  };
  return { place, zoom, turn, handlers, large: place.scale > 1 };
}
