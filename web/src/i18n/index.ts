// Languages: the browser's at first, then what was chosen. Both are bundled; they are small.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en";
import { zh } from "./zh";

export const LANGUAGES = { zh: "中文", en: "English" } as const;
export type Language = keyof typeof LANGUAGES;

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

/** Call once, before the first drawing. */
export function startLanguage(): void {
  void i18next.use(initReactI18next).init({
    lng: first(),
    fallbackLng: "en",
    resources: { zh: { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  label(i18next.language);
  i18next.on("languageChanged", label);
}

export function language(): string {
  return i18next.language === "zh" ? "zh-CN" : "en";
}

export function chooseLanguage(chosen: Language): void {
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // chosen until the page closes
  }
  void i18next.changeLanguage(chosen);
}

/** The administrators' chunk brings its texts with it, as a namespace of its own. */
export function addTexts(namespace: string, texts: Record<Language, object>): void {
  for (const [one, bundle] of Object.entries(texts)) i18next.addResourceBundle(one, namespace, bundle);
}
