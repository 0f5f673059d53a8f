// Languages: the browser's at first, then what was chosen. The first drawing waits for the words of one; the other's come when
// they are chosen, or before, when there is time.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { fetchChunk } from "../app/chunks";
import { marked, spaced } from "./spacing";

export const LANGUAGES = { zh: "中文", en: "English" } as const;
export type Language = keyof typeof LANGUAGES;

const WORDS: Record<Language, (attempt?: number) => Promise<object>> = {
  zh: async (attempt = 1) => (await fetchChunk(() => import("./zh"), attempt)).zh,
  en: async (attempt = 1) => (await fetchChunk(() => import("./en"), attempt)).en,
};

const KEY = "wardline.language";

function first(): Language {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // a browser that keeps nothing
  }
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function label(language: string): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

/** Marks what is filled in, so that the blanks around it can be set. */
export const MARKING = {
  type: "formatter" as const,
  init: () => {},
  add: () => {},
  addCached: () => {},
  format: (value: unknown) => marked(value),
};

/** Takes the marks of what was filled in out again, with the blanks that belong there. */
export const SPACING = {
  type: "postProcessor" as const,
  name: "spacing",
  process: (text: string, _key: unknown, _options: unknown, translator: { language?: string }) =>
    typeof text === "string" ? spaced(text, translator.language === "zh") : text,
};

/** Call once, before the first drawing. Fails when the words do not come. */
export async function startLanguage(): Promise<void> {
  const lng = first();
  label(lng);
  const words = await WORDS[lng]();
  await i18next.use(initReactI18next).use(MARKING).use(SPACING).init({
    lng,
    fallbackLng: false,
    resources: { [lng]: { translation: words } },
    interpolation: { escapeValue: false, alwaysFormat: true },
    postProcess: [SPACING.name],
    initAsync: false,
  });
  i18next.on("languageChanged", label);
}

const attempts: Record<Language, number> = { zh: 0, en: 0 };

async function load(one: Language): Promise<void> {
  if (i18next.hasResourceBundle(one, "translation")) return;
  attempts[one] += 1;
  i18next.addResourceBundle(one, "translation", await WORDS[one](attempts[one]));
}

/** Fetches the words of every language, for later. */
export async function loadLanguages(): Promise<void> {
  for (const one of Object.keys(LANGUAGES) as Language[]) await load(one).catch(() => {});
}

export function language(): string {
  return i18next.language === "zh" ? "zh-CN" : "en";
}

let chosenLast: Language | undefined;

/** Fails when the words do not come; the language then stays as it is. */
export async function chooseLanguage(chosen: Language): Promise<void> {
  chosenLast = chosen;
  await load(chosen);
  if (chosenLast !== chosen) return;
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // chosen until the page closes
  }
  await i18next.changeLanguage(chosen);
}

/** The administrators' chunk brings its texts with it, as a namespace of its own. */
export function addTexts(namespace: string, texts: Record<Language, object>): void {
  for (const [one, bundle] of Object.entries(texts)) i18next.addResourceBundle(one, namespace, bundle);
}
