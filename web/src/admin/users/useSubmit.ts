// A form on its way to the service: busy, refused as a whole, or refused for single fields.
import { useState } from "react";
import { ApiError } from "../../core/api";
import { useTranslation } from "react-i18next";
import { fieldSentence } from "../../ui/common/fields";
import { useReason } from "../parts/reason";

export interface Submit {
  busy: boolean;
  /** Why it was refused, when no field is to blame. */
  problem: string;
  /** By field, in the reader's language. */
  fields: Record<string, string>;
  run: (send: () => Promise<void>) => Promise<void>;
}

export function useSubmit(): Submit {
  const reason = useReason();
  const { t } = useTranslation();
  const own: Record<string, Record<string, string>> = {
    username: { LENGTH: t("signin.usernameRules"), INVALID: t("signin.usernameRules") },
    password: { LENGTH: t("account.refused"), INVALID: t("account.refused") },
  };
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [fields, setFields] = useState<Record<string, string>>({});

  const run = async (send: () => Promise<void>) => {
    setBusy(true);
    setProblem("");
    setFields({});
    try {
      await send();
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.code === "VALIDATION_FAILED" && Object.keys(thrown.details).length) {
        const { details, fieldCodes } = thrown;
        const sentences = Object.entries(details).map(([name, why]) => [
          name,
          thrown.status === 409 ? String(why) : fieldSentence(fieldCodes[name], why, t, name in own ? own[name] : undefined),
        ]);
        setFields(Object.fromEntries(sentences));
      } else {
        setProblem(reason(thrown));
      }
      setBusy(false);
    }
  };
  return { busy, problem, fields, run };
}
