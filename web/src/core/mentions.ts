// Who is meant in a text. A person who was chosen is kept with the place where their name stands; only what nobody chose is
// read by its words, and a name that several bear is then never guessed.
export const EVERYBODY = "all";

/** Words that mean the whole group, in every language that writes here; what is stored decides, not the reader's word. */
export const GROUP_WORDS: readonly string[] = ["所有人", "全体成员", "everyone", "everybody", "all"];

/** The place of a mention: `text.slice(from, to)` is "@" and the name. `id` is a person's, or {@link EVERYBODY}. */
export interface MentionRange {
  from: number;
  to: number;
  id: string;
}

export interface Nameable {
  id: string;
  /** Everything the person goes by: the name, the username. */
  names: readonly string[];
}

export interface Ambiguous {
  from: number;
  to: number;
  /** Without the "@". */
  name: string;
  ids: readonly string[];
}

export interface Mentioned {
  mentions: "all" | string[] | undefined;
  /** Typed names that several bear: to be asked about. */
  open: Ambiguous[];
}

const LATIN = /[\p{Script=Latin}\p{N}]/u;
const LETTER = /[\p{L}\p{N}\p{M}_]/u;

const before = (text: string, at: number) => Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? "";
const after = (text: string, at: number) => Array.from(text.slice(at, at + 2))[0] ?? "";

/** Whether an "@" here may begin a mention: not after a Latin letter or digit, and not within an address. */
export function opensMention(text: string, at: number): boolean {
  if (text[at] !== "@") return false;
  const previous = before(text, at);
  if (LATIN.test(previous) || /[_%+@]/.test(previous)) return false;
  // The end of what could be an address's first part: "anna.-@ward"
  if (/[.-]/.test(previous)) return !LATIN.test(before(text, at - 1));
  return true;
}

/** Whether a name that ends here ends as a word: no letter goes on, and no address does. */
export function endsMention(text: string, at: number): boolean {
  const next = after(text, at);
  if (!next) return true;
  if (LETTER.test(next)) return false;
  if (!/[.\-'’@/]/.test(next)) return true;
  const last = before(text, at);
  return !(LATIN.test(last) && LATIN.test(after(text, at + next.length)));
}

const same = (text: string, at: number, name: string) => {
  const piece = text.slice(at, at + name.length);
  return piece === name || piece.toLowerCase() === name.toLowerCase();
};

/** Whom a text calls: those who were chosen, and of typed names those that only one bears, the longest name first. */
export function mentionsOf(text: string, ranges: readonly MentionRange[], people: readonly Nameable[]): Mentioned {
  if (!text.includes("@")) return { mentions: undefined, open: [] };
  const ids = new Set<string>();
  const open: Ambiguous[] = [];
  let everybody = false;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const chosen = ranges.find((range) => range.from <= at && at < range.to);
    if (chosen) {
      if (chosen.id === EVERYBODY) everybody = true;
      else if (people.some((person) => person.id === chosen.id)) ids.add(chosen.id);
      continue;
    }
    if (!opensMention(text, at)) continue;
    const found = typedAt(text, at, people);
    if (!found) continue;
    if (found.ids === EVERYBODY) everybody = true;
    else if (found.ids.length === 1) ids.add(found.ids[0] ?? "");
    else open.push({ from: at, to: at + 1 + found.name.length, name: found.name, ids: found.ids });
  }
  return { mentions: everybody ? EVERYBODY : ids.size ? [...ids] : undefined, open };
}

function typedAt(text: string, at: number, people: readonly Nameable[]): { name: string; ids: string[] | "all" } | null {
  let name = "";
  let ids: string[] = [];
  for (const person of people) {
    for (const one of person.names) {
      if (!one || one.length < name.length || !same(text, at + 1, one) || !endsMention(text, at + 1 + one.length)) continue;
      if (one.length > name.length) ids = [];
      name = text.slice(at + 1, at + 1 + one.length);
      if (!ids.includes(person.id)) ids.push(person.id);
    }
  }
  const word = GROUP_WORDS.filter((one) => same(text, at + 1, one) && endsMention(text, at + 1 + one.length)).sort(
    (a, b) => b.length - a.length,
  )[0];
  // A user may be called "All": a name as long as the word is that of a user.
  if (word && word.length > name.length) return { name: word, ids: EVERYBODY };
  return name ? { name, ids } : null;
}

/** The ranges after a text became another: moved with it, and gone where their name was changed. */
export function moved(ranges: readonly MentionRange[], old: string, next: string): MentionRange[] {
  if (ranges.length === 0 || old === next) return [...ranges];
  const most = Math.min(old.length, next.length);
  const by = next.length - old.length;
  const alike = (limit: number, fromEnd: boolean) => {
    let count = 0;
    while (count < limit && (fromEnd ? old.at(-1 - count) === next.at(-1 - count) : old[count] === next[count])) count += 1;
    return count;
  };
  // "@" typed before "@" may be either one: what either reading keeps is kept.
  const head = alike(most, false);
  const tail = alike(most, true);
  const readings = [
    { head, tail: alike(most - head, true) },
    { head: alike(most - tail, false), tail },
  ];
  const kept: MentionRange[] = [];
  for (const range of ranges) {
    if (readings.some((one) => range.to <= one.head)) kept.push(range);
    else if (readings.some((one) => range.from >= old.length - one.tail))
      kept.push({ ...range, from: range.from + by, to: range.to + by });
  }
  return kept;
}

/** Where the people of a stored message stand in its text, so that editing it keeps who was meant. */
export function rangesIn(text: string, mentions: "all" | readonly string[] | undefined, people: readonly Nameable[]): MentionRange[] {
  if (!mentions) return [];
  const wanted: { id: string; name: string }[] =
    mentions === EVERYBODY
      ? GROUP_WORDS.map((name) => ({ id: EVERYBODY, name }))
      : people.filter(({ id }) => mentions.includes(id)).flatMap(({ id, names }) => names.map((name) => ({ id, name })));
  const found: MentionRange[] = [];
  const used = new Set<string>();
  for (const { from, to, ids } of marksIn(text, wanted)) {
    // Two of one name were called: the first place is the first one's, as far as anybody can say.
    const id = ids.find((one) => !used.has(one)) ?? ids[0];
    if (id === undefined) continue;
    used.add(id);
    found.push({ from, to, id });
  }
  return found;
}

export interface Mark {
  from: number;
  to: number;
  ids: string[];
}

/** Where names stand after an "@", the longest first, never within an address or a longer Latin word. */
export function marksIn(text: string, wanted: readonly { id: string; name: string }[]): Mark[] {
  const marks: Mark[] = [];
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", Math.max(at + 1, marks.at(-1)?.to ?? 0))) {
    if (!opensMention(text, at)) continue;
    const fitting = wanted.filter(({ name }) => name && same(text, at + 1, name) && endsLoosely(text, at + 1, name));
    const length = Math.max(0, ...fitting.map(({ name }) => name.length));
    if (length === 0) continue;
    const ids = fitting.filter(({ name }) => name.length === length).map(({ id }) => id);
    marks.push({ from: at, to: at + 1 + length, ids: [...new Set(ids)] });
  }
  return marks;
}

/** Chinese is written without blanks: who was chosen and is stored is marked also where the next word touches the name. */
function endsLoosely(text: string, at: number, name: string): boolean {
  const to = at + name.length;
  if (endsMention(text, to)) return true;
  return /\p{Script=Han}$/u.test(name) && /^\p{Script=Han}/u.test(text.slice(to)) && !GROUP_WORDS.includes(name);
}
