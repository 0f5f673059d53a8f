import { SegmentedControl } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { chooseLanguage, LANGUAGES, type Language } from "../../i18n";

const DATA = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));

export function LanguageChoice() {
  const { t, i18n } = useTranslation();
  return (
    <SegmentedControl
      size="xs"
      data={DATA}
      value={i18n.language}
      onChange={(value) => chooseLanguage(value as Language)}
      aria-label={t("signin.language")}
    />
  );
}
