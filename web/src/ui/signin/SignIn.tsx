// The first page: a name, a password, and an honest word when it does not work.
import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { ApiError } from "../../core/api";
import { LanguageChoice } from "../common/LanguageChoice";
import { Logo } from "../common/Logo";
import classes from "./SignIn.module.css";

function reason(problem: unknown): string {
  if (!(problem instanceof ApiError)) return "error.crashed";
  if (problem.code === "NETWORK") return "signin.unreachable";
  if (problem.code === "RATE_LIMITED") return "signin.limited";
  return problem.status === 401 || problem.status === 400 ? "signin.wrong" : "";
}

export function SignIn() {
  const { t } = useTranslation();
  const account = useAccount();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !username.trim() || !password) return;
    setBusy(true);
    setProblem("");
    try {
      await account.signIn(username.trim(), password);
    } catch (thrown) {
      const key = reason(thrown);
      setProblem(key ? t(key) : (thrown as Error).message);
      setBusy(false);
    }
  };

  return (
    <main className={classes.page}>
      <form className={classes.card} onSubmit={submit} aria-labelledby="signin-title">
        <div className={classes.brand}>
          <Logo size={44} />
          <div>
            <h1 id="signin-title" className={classes.name}>
              {t("app.name")}
            </h1>
            <p className={classes.tagline}>{t("app.tagline")}</p>
          </div>
        </div>
        {account.ended && !problem && (
          <Alert color="yellow" variant="light" role="status" className={classes.note}>
            {t("signin.expired")}
          </Alert>
        )}
        {problem && (
          <Alert color="red" variant="light" role="alert" className={classes.problem}>
            {problem}
          </Alert>
        )}
        <TextInput
          label={t("signin.username")}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
        />
        <PasswordInput
          label={t("signin.password")}
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": t("signin.show") }}
        />
        <Button type="submit" size="md" fullWidth loading={busy} disabled={!username.trim() || !password}>
          {busy ? t("signin.busy") : t("signin.submit")}
        </Button>
        <div className={classes.language}>
          <LanguageChoice />
        </div>
      </form>
    </main>
  );
}
