// Packs what the build left in dist: beside each text a twin for brotli and one for gzip. The service sends the one the
// browser takes, so that nothing is packed while somebody waits. A twin that saves less than a tenth is left out.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../dist");
const TEXT = /\.(html|js|css|svg|json|webmanifest|txt)$/;
const WORTH = 0.9;

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXT.test(entry.name)) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const plain = readFileSync(path);
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
  };
  const twins = { br: brotliCompressSync(plain, { params }), gz: gzipSync(plain, { level: constants.Z_BEST_COMPRESSION }) };
  for (const [suffix, packed] of Object.entries(twins)) {
    if (packed.length < plain.length * WORTH) writeFileSync(`${path}.${suffix}`, packed);
  }
}
