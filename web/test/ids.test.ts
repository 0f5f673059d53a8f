import { expect, test, vi } from "vitest";
import { newId } from "../src/core/ids";

test("an identifier needs no secure context, and is another one each time", () => {
  const real = globalThis.crypto;
  vi.stubGlobal("crypto", { getRandomValues: real.getRandomValues.bind(real) });
  const made = new Set(Array.from({ length: 1_000 }, newId));
  vi.unstubAllGlobals();
  expect(made.size).toBe(1_000);
  for (const one of made) expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
