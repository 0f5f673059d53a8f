// The first page: a name, a password, and an honest word when it does not work.
import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { ApiError } from "../../core/api";
import { LanguageChoice } from "../common/LanguageChoice";
import { Logo } from "../common/Logo";
import { useWait } from "../common/useWait";
import classes from "./SignIn.module.css";
import { part } from "../common/part";

const Register = part(() => import("./Register"), "inline");

function reason(problem: unknown): string {
  if (!(problem instanceof ApiError)) return "error.crashed";
  if (problem.code === "NETWORK") return "signin.unreachable";
  if (problem.code === "RATE_LIMITED") return "signin.limited";
  if (problem.status === 403) return "signin.closed";
  return problem.status === 401 || problem.status === 400 ? "signin.wrong" : "";
}

export default function SignIn() {
  const { t } = useTranslation();
  const account = useAccount();
  const open = useRegistrationOpen();
  const [registering, setRegistering] = useState(false);
  return (
    <main className={classes.page}>
      <section className={classes.card} aria-labelledby="signin-title">
        <div className={classes.brand}>
          <Logo size={44} />
          <div>
            <h1 id="signin-title" className={classes.name}>
              {t("app.name")}
            </h1>
            <p className={classes.tagline}>{t("app.tagline")}</p>
          </div>
        </div>
        {registering ? (
            <Register onBack={() => setRegistering(false)} />
        ) : (
          <>
            <SignInForm ended={account.ended} />
            {open && (
              <Button variant="subtle" size="sm" onClick={() => setRegistering(true)}>
                {t("signin.register")}
              </Button>
            )}
            <p className={classes.help}>{t("signin.forgotten")}</p>
          </>
        )}
        <div className={classes.language}>
          <LanguageChoice />
        </div>
      </section>
    </main>
  );
}

function SignInForm({ ended }: { ended: string }) {
  const { t } = useTranslation();
  const account = useAccount();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const wait = useWait();
  const [own, setOwn] = useState(false);
  const secret = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || wait.seconds > 0 || !username.trim() || !password) return;
    setBusy(true);
    setProblem("");
    try {
      await account.signIn(username.trim(), password, own);
    } catch (thrown) {
      setBusy(false);
      if (wait.begin(thrown as ApiError)) return;
      const key = reason(thrown);
      setProblem(key ? t(key) : (thrown as Error).message);
      // What was typed stays; typing anew replaces it.
      if (key === "signin.wrong") requestAnimationFrame(() => {
          secret.current?.focus();
          secret.current?.select();
        });
    }
  };
  const waiting = wait.seconds > 0;
  return (
    <form className={classes.form} onSubmit={(event) => void submit(event)} aria-labelledby="signin-title">
      {ended && !problem && !waiting && (
        <Alert color="yellow" variant="light" role="status" className={classes.note}>
          {t(ended === "TOKEN_EXPIRED" ? "signin.expired" : ended === "UNUSED" ? "signin.unused" : "signin.ended")}
        </Alert>
      )}
      {(problem || waiting) && (
        <Alert color="red" variant="light" role="alert" className={classes.problem}>
          {waiting ? t("signin.waitFor", { count: wait.seconds }) : problem}
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
        ref={secret}
        label={t("signin.password")}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ "aria-label": t("signin.show"), tabIndex: 0 }}
      />
      <label className={classes.own}>
        <input type="checkbox" name="own" checked={own} onChange={(event) => setOwn(event.currentTarget.checked)} />
        <span>{t("signin.own")}</span>
      </label>
      <Button type="submit" size="md" fullWidth loading={busy} disabled={waiting || !username.trim() || !password}>
        {busy ? t("signin.busy") : t("signin.submit")}
      </Button>
    </form>
  );
}

/** Whether people may make an account for themselves here. Unknown counts as no. */
function useRegistrationOpen(): boolean {
  const { api } = useAccount();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const leaving = new AbortController();
    api.call<{ registration?: string }>("GET", "/api/auth/settings", { signal: leaving.signal }).then(
      (settings) => setOpen(settings.registration === "open"),
      // Without the service nobody registers anyway.
      () => {},
    );
    return () => leaving.abort();
  }, [api]);
  return open;
}
