// Draws the client's icons (public/icons) from the same lines as the logo: `node scripts/icons.mjs`. The pictures are in the
// repository; this is for whoever changes the logo.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";

const out = join(dirname(fileURLToPath(import.meta.url)), "../public/icons");
const GROUND = [0x0b, 0x6e, 0x7f];
// The logo's box is 32 units wide.
const LINE = [[7, 17], [11, 17], [13.5, 10], [17.5, 23], [20.3, 14], [22, 17], [25, 17]];
const STROKE = 2.4;

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

function png(size, colourAt) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const rows = Buffer.alloc(size * (1 + 4 * size));
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) rows.set(colourAt(x + 0.5, y + 0.5), y * (1 + 4 * size) + 1 + 4 * x);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function toSegment(px, py, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(px - ax - along * dx, py - ay - along * dy);
}

/** How far outside of a square with round corners; negative inside. */
function toSquare(x, y, corner) {
  const [dx, dy] = [Math.abs(x - 16) - (16 - corner), Math.abs(y - 16) - (16 - corner)];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - corner;
}

/** `scale` makes the line smaller where launchers cut a circle out. */
function icon(size, { corner, scale = 1 }) {
  const unit = 32 / size;
  const covered = (distance) => Math.max(0, Math.min(1, 0.5 - distance / unit));
  return png(size, (px, py) => {
    const [x, y] = [px * unit, py * unit];
    const [lx, ly] = [(x - 16) / scale + 16, (y - 16.5) / scale + 16.5];
    let nearest = Infinity;
    for (let at = 1; at < LINE.length; at++) nearest = Math.min(nearest, toSegment(lx, ly, LINE[at - 1], LINE[at]));
    const white = covered((nearest - STROKE / 2) * scale);
    const alpha = corner === 0 ? 1 : covered(toSquare(x, y, corner));
    return [...GROUND.map((one) => Math.round(one + (255 - one) * white)), Math.round(alpha * 255)];
  });
}

mkdirSync(out, { recursive: true });
for (const [name, size, looks] of [
  ["icon-192", 192, { corner: 8 }],
  ["icon-512", 512, { corner: 8 }],
  ["maskable-512", 512, { corner: 0, scale: 0.72 }],
  ["touch-180", 180, { corner: 0, scale: 0.9 }],
]) {
  writeFileSync(join(out, `${name}.png`), icon(size, looks));
}
