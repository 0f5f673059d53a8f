// The user's own password: the present one, a new one with how good it is, the new one again.
import { Alert, Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import type { ApiError } from "../../core/api";
import { fieldSentence } from "../common/fields";
import { said } from "../common/said";
import { useWait } from "../common/useWait";
import classes from "./Account.module.css";
import { acceptable, verdict } from "./strength";

export function ChangePassword({ onDone }: { onDone(): void }) {
  const { t } = useTranslation();
  const { user, changePassword } = useAccount();
  const [form, setForm] = useState({ current: "", next: "", again: "" });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [fields, setFields] = useState<Record<string, string>>({});
  const wait = useWait();
  const first = useRef<HTMLInputElement>(null);
  const judged = verdict(form.next, [user?.username ?? "", user?.realName ?? ""]);
  const same = form.next !== "" && form.next === form.current;
  const different = form.again !== "" && form.again !== form.next;
  const ready = form.current !== "" && acceptable(judged) && !same && form.again === form.next && !busy && !wait.seconds;
  const set = (name: keyof typeof form) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setForm((before) => ({ ...before, [name]: value }));
    setFields({});
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setProblem("");
    setFields({});
    try {
      await changePassword(form.current, form.next);
      onDone();
    } catch (thrown) {
      const failed = thrown as ApiError;
      if (wait.begin(failed)) setProblem("");
      else if (failed.code === "VALIDATION_FAILED" && Object.keys(failed.details).length) {
        const said = Object.keys(failed.details).map((name) => [name, sentence(name, failed)] as const);
        setFields(Object.fromEntries(said));
        if (failed.details.current) first.current?.select();
      } else setProblem(said(thrown, t));
      setBusy(false);
    }
  };
  const sentence = (name: string, failed: ApiError) => {
    const code = failed.fieldCodes[name];
    if (name === "current" && code !== "REQUIRED") return t("account.wrongCurrent");
    if (name === "next" && (!code || code === "INVALID" || code === "LENGTH")) return t("account.refused");
    return fieldSentence(code, failed.details[name], t);
  };
  const toggle = { "aria-label": t("signin.show"), tabIndex: 0 };
  return (
    <form className={classes.form} onSubmit={(event) => void submit(event)} noValidate>
      <input type="text" name="username" autoComplete="username" value={user?.username ?? ""} readOnly hidden />
      {(problem || wait.seconds > 0) && (
        <Alert color="red" role="alert" className={classes.problem}>
          {wait.seconds > 0 ? t("signin.waitFor", { count: wait.seconds }) : problem}
        </Alert>
      )}
      <PasswordInput
        ref={first}
        label={t("account.current")}
        name="current-password"
        autoComplete="current-password"
        data-autofocus
        value={form.current}
        error={fields.current}
        onChange={set("current")}
        visibilityToggleButtonProps={toggle}
      />
      <PasswordInput
        label={t("account.next")}
        description={t("account.rules")}
        name="new-password"
        autoComplete="new-password"
        maxLength={128}
        value={form.next}
        error={fields.next || (same ? t("account.same") : undefined)}
        onChange={set("next")}
        visibilityToggleButtonProps={toggle}
      />
      <p className={classes.strength} data-verdict={judged} role="status">
        {judged !== "empty" && (
          <>
            <meter min={0} max={3} value={{ weak: 1, fair: 2, good: 3 }[judged as string] ?? 0} aria-hidden="true" />
            {t(`account.strength.${judged}`)}
          </>
        )}
      </p>
      <PasswordInput
        label={t("account.again")}
        name="new-password-again"
        autoComplete="new-password"
        maxLength={128}
        value={form.again}
        error={different ? t("account.notSame") : undefined}
        onChange={set("again")}
        visibilityToggleButtonProps={toggle}
      />
      <Button type="submit" loading={busy} disabled={!ready}>
        {t("account.change")}
      </Button>
    </form>
  );
}
