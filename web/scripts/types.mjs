// Makes the TypeScript types of the wire from the service's own descriptions: REST from openapi.json, the Socket.IO
// events from asyncapi.yaml. With `--check` it writes nothing and fails when what is checked in is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import openapi, { astToString } from "openapi-typescript";
import { parse } from "yaml";

const here = dirname(fileURLToPath(import.meta.url));
const schemas = join(here, "../../schemas");
const target = join(here, "../src/types");
const HEADER = "// Made by `npm run types` from schemas/. Do not edit.\n";

async function rest() {
  const document = JSON.parse(readFileSync(join(schemas, "openapi.json"), "utf8"));
  // Names of operations are handlers' names, which repeat; nothing here goes by them.
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path)) delete operation.operationId;
  return `${HEADER}\n${astToString(await openapi(document))}`;
}

/** JSON Schema knows no `#/components/schemas`; and a `$ref` with a description beside it is a plain reference here. */
function localRefs(node) {
  if (Array.isArray(node)) return node.map(localRefs);
  if (node === null || typeof node !== "object") return node;
  if (typeof node.$ref === "string") return { $ref: node.$ref.replace("#/components/schemas/", "#/definitions/") };
  if (node.allOf?.length === 1 && node.allOf[0].$ref && Object.keys(node).length <= 2) return localRefs(node.allOf[0]);
  const plain = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, localRefs(value)]));
  // Conditions between fields are the service's to check; a type cannot say them.
  for (const key of ["if", "then", "else", "not", "propertyNames", "pattern", "maxItems", "minItems"])
    delete plain[key];
  if (plain.properties && plain.oneOf?.every((one) => one.required && !one.properties)) delete plain.oneOf;
  return plain;
}

async function events() {
  const document = parse(readFileSync(join(schemas, "asyncapi.yaml"), "utf8"));
  const definitions = localRefs(document.components.schemas);
  const names = Object.keys(definitions);
  const code = await compile(
    {
      title: "EveryPayload",
      type: "object",
      additionalProperties: false,
      required: names,
      properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/definitions/${name}` }])),
      definitions,
    },
    "EveryPayload",
    { bannerComment: "", additionalProperties: false, unknownAny: true, format: true, style: { printWidth: 120 } },
  );
  const map = { client: [], server: [], acknowledgement: [] };
  for (const message of Object.values(document.components.messages)) {
    const payload = named(message.payload);
    map[message["x-direction"]].push(`  "${message.name}": ${payload};`);
    const answer = message["x-acknowledgement"];
    if (answer) map.acknowledgement.push(`  "${message.name}": ${named(answer)};`);
  }
  return [
    HEADER,
    code,
    section("ClientEvents", "What a client may send, by event.", map.client),
    section("ServerEvents", "What the server may send, by event.", map.server),
    section("Acknowledgements", "What a success answers to a client event's callback.", map.acknowledgement),
  ].join("\n");
}

const named = (reference) => `EveryPayload["${reference.$ref.split("/").at(-1)}"]`;
const section = (name, says, lines) => `/** ${says} */\nexport interface ${name} {\n${lines.join("\n")}\n}\n`;

const files = { "openapi.d.ts": await rest(), "events.d.ts": await events() };
let stale = false;
for (const [name, text] of Object.entries(files)) {
  const path = join(target, name);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
    continue;
  }
  let kept = "";
  try {
    kept = readFileSync(path, "utf8");
  } catch {
    // absent is stale
  }
  if (kept !== text) {
    stale = true;
    console.error(`src/types/${name} is stale: run \`npm run types\` in web/`);
  }
}
process.exit(stale ? 1 : 0);
