// A new account, or what an existing one says.
import { Alert, Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useCallback, useId, useState } from "react";
import { useAccount } from "../../app/account";
import { ApiError, type User } from "../../core/api";
import { useLoaded } from "../parts/useLoaded";
import { useAdminTexts } from "../texts";
import { change, create, departments, difference, type NewProfile, type Role, ROLES } from "./accounts";
import type { Handed } from "./HandOver";
import { PasswordField } from "./PasswordField";
import { useSubmit } from "./useSubmit";
import classes from "./users.module.css";
import { Modal } from "../../ui/common/Modal";

interface Props {
  /** Null for a new account. */
  user: User | null;
  done: (notice: string, handed?: Handed) => void;
  close: () => void;
}

function begin(user: User | null): NewProfile {
  return {
    username: user?.username ?? "",
    password: "",
    realName: user?.realName ?? "",
    role: (user?.role as Role | undefined) ?? "nurse",
    department: user?.department ?? "",
    title: user?.title ?? "",
    email: user?.email ?? "",
    phone: user?.phone ?? "",
  };
}

export function ProfileDialog({ user, done, close }: Props) {
  const { t } = useAdminTexts();
  const { api, user: self } = useAccount();
  const [form, setForm] = useState(() => begin(user));
  const { busy, problem, fields, run } = useSubmit();
  const [taken, setTaken] = useState(false);
  const known = useLoaded(useCallback((signal: AbortSignal) => departments(api, signal), [api]));
  const list = useId();
  const isSelf = user !== null && user._id === self?._id;
  const set = (name: keyof NewProfile) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setForm((before) => ({ ...before, [name]: value }));
  };

  const { username, password, ...profile } = form;
  const changed = user ? difference(user, profile) : profile;
  const ready = user
    ? Object.keys(changed).length > 0 && form.realName.trim() !== ""
    : username.trim() !== "" && password !== "" && form.realName.trim() !== "";

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready || busy) return;
    setTaken(false);
    void run(async () => {
      try {
        const now = user ? await change(api, user._id, changed) : await create(api, { ...form, username: username.trim() });
        const notice = t(user ? "form.saved" : "form.created", { name: now.realName });
        done(notice, user ? undefined : { name: now.realName, username: now.username, password, notice });
      } catch (thrown) {
        if (user || !(thrown instanceof ApiError && thrown.code === "CONFLICT")) throw thrown;
        setTaken(true);
        throw new ApiError("VALIDATION_FAILED", thrown.message, 409, { username: t("form.taken") });
      }
    });
  };

  return (
    <Modal
      opened
      onClose={close}
      title={user ? t("form.edit", { name: user.realName }) : t("form.create")}
      classNames={{ title: classes.dialogTitle }}
      closeButtonProps={{ "aria-label": t("form.cancel") }}
      size="lg"
    >
      <form className={classes.form} onSubmit={submit} noValidate>
        {problem && (
          <Alert role="alert" className={classes.notice} data-bad>
            {problem}
          </Alert>
        )}
        {!user && (
          <>
            <TextInput
              label={t("form.username")}
              description={t("form.usernameHint")}
              name="new-username"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              maxLength={32}
              required
              data-autofocus
              value={username}
              error={fields.username}
              aria-invalid={taken || undefined}
              onChange={set("username")}
            />
            <PasswordField value={password} error={fields.password} onChange={(value) => setForm((before) => ({ ...before, password: value }))} />
          </>
        )}
        <div className={classes.pair}>
          <TextInput label={t("form.realName")} required maxLength={64} value={form.realName} error={fields.realName} onChange={set("realName")} />
          <NativeSelect
            label={t("form.role")}
            description={isSelf ? t("form.ownRole") : undefined}
            disabled={isSelf}
            data={ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))}
            value={form.role}
            error={fields.role}
            onChange={set("role")}
          />
        </div>
        <div className={classes.pair}>
          <TextInput
            label={t("form.department")}
            maxLength={64}
            list={list}
            value={form.department}
            error={fields.department}
            onChange={set("department")}
          />
          <TextInput label={t("form.jobTitle")} maxLength={64} value={form.title} error={fields.title} onChange={set("title")} />
        </div>
        <datalist id={list}>
          {known.data?.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <div className={classes.pair}>
          <TextInput label={t("form.email")} type="email" maxLength={254} value={form.email} error={fields.email} onChange={set("email")} />
          <TextInput label={t("form.phone")} type="tel" maxLength={32} value={form.phone} error={fields.phone} onChange={set("phone")} />
        </div>
        <div className={classes.buttons}>
          <Button variant="default" onClick={close}>
            {t("form.cancel")}
          </Button>
          <Button type="submit" loading={busy} disabled={!ready}>
            {t(user ? "form.submitEdit" : "form.submitCreate")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
