// A form on its way to the service: busy, refused as a whole, or refused for single fields.
import { useState } from "react";
import { ApiError } from "../../core/api";
import { useReason } from "../parts/reason";

export interface Submit {
  busy: boolean;
  /** Why it was refused, when no field is to blame. */
  problem: string;
  /** By field, in the service's words. */
  fields: Record<string, string>;
  run: (send: () => Promise<void>) => Promise<void>;
}

export function useSubmit(): Submit {
  const reason = useReason();
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
        setFields(Object.fromEntries(Object.entries(thrown.details).map(([name, why]) => [name, String(why)])));
      } else {
        setProblem(reason(thrown));
      }
      setBusy(false);
    }
  };
  return { busy, problem, fields, run };
}
