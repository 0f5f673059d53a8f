// A message's words; of very many the beginning, until more is asked for.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "../../core/wire";
import { beginning } from "./folding";
import { RichText } from "./RichText";
import classes from "./RichText.module.css";

export function LongText({ text, mentions }: { text: string; mentions?: Message["mentions"] }) {
  const { t } = useTranslation();
  const [whole, setWhole] = useState(false);
  const short = beginning(text);
  if (short === text) return <RichText text={text} mentions={mentions} />;
  return (
    <>
      <RichText text={whole ? text : `${short}…`} mentions={mentions} />
      <button type="button" className={classes.fold} aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {t(whole ? "message.showLess" : "message.showAll")}
      </button>
    </>
  );
}
