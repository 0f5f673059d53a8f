// The real service for the tests: a debug build with a data folder and a port of its own and the demonstration hospital.
// With WARDLINE_URL set, the one that runs there is used instead.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type {} from "vitest";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
  }
}

const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 45_000;

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? done(address.port) : fail(new Error("no port"))));
    });
  });
}

async function healthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/health`)).ok;
  } catch {
    return false;
  }
}

async function started(service: ChildProcess, url: string): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  while (!(await healthy(url))) {
    if (service.exitCode !== null) throw new Error("the service ended while starting");
    if (Date.now() > until) throw new Error(`the service was not healthy within ${READY_WITHIN_MS} ms`);
    await new Promise((resume) => setTimeout(resume, 200));
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const running = process.env.WARDLINE_URL;
  if (running) {
    project.provide("url", running);
    return undefined;
  }
  const root = resolve(import.meta.dirname, "../../..");
  const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
  const data = await mkdtemp(join(tmpdir(), "wardline-web-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(MONGODB_|WARDLINE_ENV|JWT_|REGISTRATION)/.test(name),
  );
  const service = spawn(join(target, "debug/wardline"), ["serve", "--demo"], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), HOST: "127.0.0.1", PORT: String(port), DATA_DIR: data, RATE_LIMIT: "off" },
    stdio: process.env.SERVICE_LOG ? "inherit" : "ignore",
  });
  const ended = new Promise<void>((done) => service.once("exit", () => done()));
  await started(service, url);
  project.provide("url", url);
  return async () => {
    service.kill("SIGTERM");
    const late = setTimeout(() => service.kill("SIGKILL"), STOP_WITHIN_MS);
    await ended;
    clearTimeout(late);
    await rm(data, { recursive: true, force: true });
  };
}
