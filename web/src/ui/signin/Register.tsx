// The registration of a new account, where the organisation allows it.
import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import type { ApiError } from "../../core/api";
import { acceptable, verdict } from "../account/strength";
import { fieldSentence } from "../common/fields";
import { said } from "../common/said";
import { useWait } from "../common/useWait";
import classes from "./SignIn.module.css";

export default function Register({ onBack }: { onBack(): void }) {
  const { t } = useTranslation();
  const { register } = useAccount();
  const [form, setForm] = useState({ username: "", realName: "", password: "" });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [fields, setFields] = useState<Record<string, string>>({});
  const wait = useWait();
  const judged = verdict(form.password, [form.username, form.realName]);
  const ready = form.username.trim() !== "" && form.realName.trim() !== "" && acceptable(judged) && !busy && !wait.seconds;
  const set = (name: keyof typeof form) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setForm((before) => ({ ...before, [name]: value }));
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setProblem("");
    setFields({});
    try {
      await register({ username: form.username.trim(), realName: form.realName.trim(), password: form.password });
    } catch (thrown) {
      setBusy(false);
      const failed = thrown as ApiError;
      if (wait.begin(failed)) return;
      if (failed.code === "CONFLICT") setFields({ username: t("signin.taken") });
      else if (failed.code === "VALIDATION_FAILED" && Object.keys(failed.details).length) {
        const own = { username: { LENGTH: t("signin.usernameRules") }, password: { LENGTH: t("account.refused") } };
        setFields(
          Object.fromEntries(
            Object.entries(failed.details).map(([name, detail]) => [
              name,
              fieldSentence(failed.fieldCodes[name], detail, t, (own as Record<string, Record<string, string>>)[name]),
            ]),
          ),
        );
      } else setProblem(failed.status === 403 ? t("signin.registrationClosed") : said(thrown, t));
    }
  };
  return (
    <form className={classes.form} onSubmit={(event) => void submit(event)} aria-label={t("signin.register")} noValidate>
      <p className={classes.help}>{t("signin.registerHint")}</p>
      {(problem || wait.seconds > 0) && (
        <Alert color="red" variant="light" role="alert" className={classes.problem}>
          {wait.seconds > 0 ? t("signin.waitFor", { count: wait.seconds }) : problem}
        </Alert>
      )}
      <TextInput
        label={t("signin.username")}
        description={t("signin.usernameRules")}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={32}
        autoFocus
        value={form.username}
        error={fields.username}
        onChange={set("username")}
      />
      <TextInput
        label={t("signin.realName")}
        autoComplete="name"
        maxLength={64}
        value={form.realName}
        error={fields.realName}
        onChange={set("realName")}
      />
      <PasswordInput
        label={t("signin.password")}
        description={t("account.rules")}
        autoComplete="new-password"
        maxLength={128}
        value={form.password}
        error={fields.password || (acceptable(judged) || judged === "empty" ? undefined : t(`account.strength.${judged}`))}
        onChange={set("password")}
        visibilityToggleButtonProps={{ "aria-label": t("signin.show"), tabIndex: 0 }}
      />
      <Button type="submit" size="md" fullWidth loading={busy} disabled={!ready}>
        {t("signin.register")}
      </Button>
      <Button variant="subtle" size="sm" onClick={onBack}>
        {t("signin.haveAccount")}
      </Button>
    </form>
  );
}
