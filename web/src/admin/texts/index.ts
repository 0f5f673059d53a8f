// The administrators' texts, as a namespace of their own that comes with this chunk.
import { useTranslation } from "react-i18next";
import { addTexts } from "../../i18n";
import { en } from "./en";
import { zh } from "./zh";

addTexts("admin", { zh, en });

/** `t` of the administrators' texts, and the language for numbers and times. */
export function useAdminTexts() {
  const { t, i18n } = useTranslation("admin");
  return { t, locale: i18n.language === "zh" ? "zh-CN" : "en-GB" };
}

export type Translate = ReturnType<typeof useAdminTexts>["t"];
