/// <reference types="vitest/config" />
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The service that a development server hands calls on to. */
const service = process.env.WARDLINE_URL ?? "http://127.0.0.1:3000";
const proxy = {
  "/api": { target: service },
  "/socket.io": { target: service, ws: true },
};

/** Writes `sw.js`: what the service worker does (src/service-worker.js), and the names of what this build made for the chat. */
function serviceWorker(): Plugin {
  return {
    name: "wardline-service-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const all = Object.values(bundle).filter((one) => /\.(js|css)$/.test(one.fileName));
        // The administrators' pages are kept when they were opened.
        const ofAdmins = (one: (typeof all)[number]) =>
          one.type === "chunk" && one.moduleIds.some((id) => /\/src\/admin\/|node_modules\/(echarts|zrender)\//.test(id));
        const files = all.filter((one) => !ofAdmins(one)).map((one) => one.fileName);
        const own = readFileSync(new URL("src/service-worker.js", import.meta.url), "utf8");
        const version = createHash("sha256").update(JSON.stringify(all.map((one) => one.fileName).sort())).update(own).digest("hex");
        const source = `const VERSION = "${version.slice(0, 12)}";\nconst FILES = ${JSON.stringify(files.sort())};\n${own}`;
        this.emitFile({ type: "asset", fileName: "sw.js", source });
      },
    },
  };
}

export default defineConfig({
  plugins: [react(), serviceWorker()],
  // Everything relative to the page: any prefix that a proxy strips works.
  base: "./",
  build: {
    // One style sheet: a part that is loaded later never stands there without its looks.
    cssCodeSplit: false,
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
