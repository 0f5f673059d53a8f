import type { KeyboardEvent as ReactKeyboardEvent } from "react";

/**
 * Whether a key belongs to an input method that is putting a word together: Enter, Escape and arrows are then its own.
 * Some browsers (Safari) say so by the key code only, also for the key that ends the word.
 */
export function composing(event: KeyboardEvent | ReactKeyboardEvent): boolean {
  const key = "nativeEvent" in event ? event.nativeEvent : event;
  return key.isComposing || key.keyCode === 229;
}
