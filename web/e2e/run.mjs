// Runs the browser tests: node e2e/run.mjs [FILE…] [--test-name-pattern PATTERN]; without a file, all of them.
//
// A test that ran out of time runs once more by itself: on a machine with two cores the browser, the service and its database
// wait for each other. A wrong value is never tried again, and nothing is when more than a few ran out of time.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "node:test";
import { tap } from "node:test/reporters";
import { parseArgs } from "node:util";

const TEST_TIMEOUT_MS = 240_000;
const MAX_RETRIED = 3;
const TIMED_OUT = /^TimeoutError|Timeout \d+ms exceeded|^AssertionError: not within \d+ ms/m;

const folder = import.meta.dirname;
const { values, positionals } = parseArgs({ allowPositionals: true, options: { "test-name-pattern": { type: "string" } } });
const everything = () => readdirSync(folder).filter((name) => name.endsWith(".test.mjs")).sort().map((name) => join(folder, name));
const files = positionals.length ? positionals.map((name) => resolve(name)) : everything();

/** Runs tests one after the other and returns those that failed: `{ name, file, timedOut }`. */
async function failures(files, pattern) {
  const failed = [];
  const tests = run({ files, concurrency: false, timeout: TEST_TIMEOUT_MS, ...(pattern && { testNamePatterns: [pattern] }) });
  tests.on("test:fail", ({ name, file, details }) => {
    const texts = [];
    for (let error = details.error; error instanceof Error; error = error.cause) texts.push(`${error.name}: ${error.message}`, String(error.code ?? ""));
    failed.push({ name, file, timedOut: details.error?.failureType === "testTimeoutFailure" || TIMED_OUT.test(texts.join("\n")) });
  });
  const output = tests.compose(tap);
  output.pipe(process.stdout);
  await new Promise((resolve, reject) => output.on("end", resolve).on("error", reject));
  return failed;
}

const exactly = (name) => `^${name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`;

const failed = await failures(files, values["test-name-pattern"]);
const again = failed.every(({ timedOut }) => timedOut) && failed.length <= MAX_RETRIED ? failed : [];
const lasting = again.length ? [] : failed;
for (const { name, file } of again) {
  const found = await failures([file], exactly(name));
  if (found.length) lasting.push(...found);
  else console.log(`# UNSTEADY: "${name}" ran out of time once and passed by itself`);
}
for (const { name } of lasting) console.log(`# FAILED: ${name}`);
process.exitCode = lasting.length ? 1 : 0;
