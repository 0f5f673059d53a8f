import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseLanguage, LANGUAGES, type Language } from "../../i18n";
import classes from "./common.module.css";

const DATA = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));

export function LanguageChoice() {
  const { t, i18n } = useTranslation();
  const [failed, setFailed] = useState(false);
  const choose = (language: Language) => {
    setFailed(false);
    chooseLanguage(language).catch(() => setFailed(true));
  };
  return (
    <>
      <SegmentedControl
        size="xs"
        data={DATA}
        value={i18n.language}
        onChange={(value) => choose(value as Language)}
        aria-label={t("signin.language")}
      />
      {failed && (
        <p role="alert" className={classes.problem}>
          {t("part.failed")}
        </p>
      )}
    </>
  );
}
