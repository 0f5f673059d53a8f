/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The service that a development server hands calls on to. */
const service = process.env.WARDLINE_URL ?? "http://127.0.0.1:3000";
const proxy = {
  "/api": { target: service },
  "/socket.io": { target: service, ws: true },
};

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    target: "es2022",
    // Everything with a name of its own: the Content-Security-Policy allows no `data:` scripts, and files can be cached.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy },
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // One service serves all files; two cores.
    fileParallelism: false,
    globalSetup: ["test/support/service.ts"],
  },
});
