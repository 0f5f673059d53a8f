// The people: found, made, changed, sent away and let in again.
import { Alert, Button, NativeSelect, TextInput } from "@mantine/core";
import { Plus, Search } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useAccount } from "../../app/account";
import type { User } from "../../core/api";
import { number } from "../parts/format";
import { Failure } from "../parts/Panel";
import { Pager } from "../parts/Pager";
import parts from "../parts/parts.module.css";
import { useReason } from "../parts/reason";
import { useLoaded } from "../parts/useLoaded";
import { useAdminTexts } from "../texts";
import { change, endSessions, type Filter, list, type Role, ROLES, type Standing } from "./accounts";
import { type Handed, HandOver } from "./HandOver";
import { PasswordDialog } from "./PasswordDialog";
import { ProfileDialog } from "./ProfileDialog";
import { SureDialog } from "./SureDialog";
import { type Act, UserTable } from "./UserTable";
import classes from "./users.module.css";

const EVERY = 30_000;
const SETTLED_AFTER = 250;

type Dialog = { act: Exclude<Act, "activate">; user: User } | { act: "create"; user: null };

export function UsersPage() {
  const { t, locale } = useAdminTexts();
  const { api } = useAccount();
  const reason = useReason();
  const [typed, setTyped] = useState("");
  const [filter, setFilter] = useState<Filter>({ search: "", role: "", active: "true", page: 1 });
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [notice, setNotice] = useState({ text: "", bad: false });

  useEffect(() => {
    const timer = setTimeout(() => setFilter((before) => (before.search === typed ? before : { ...before, search: typed, page: 1 })), SETTLED_AFTER);
    return () => clearTimeout(timer);
  }, [typed]);

  const loaded = useLoaded(
    useCallback((signal: AbortSignal) => list(api, filter, signal), [api, filter]),
    EVERY,
  );
  const total = loaded.data?.pagination?.total ?? 0;

  const [handed, setHanded] = useState<Handed | null>(null);
  const done = (text: string, given?: Handed) => {
    setDialog(null);
    setHanded(given ?? null);
    setNotice({ text: given ? "" : text, bad: false });
    loaded.refresh();
  };

  const activate = async (user: User) => {
    try {
      await change(api, user._id, { isActive: true });
      done(t("deactivate.undone", { name: user.realName }));
    } catch (thrown) {
      setNotice({ text: reason(thrown), bad: true });
    }
  };

  const act = (what: Act, user: User) => {
    setNotice({ text: "", bad: false });
    if (what === "activate") void activate(user);
    else setDialog({ act: what, user });
  };

  const create = () => {
    setNotice({ text: "", bad: false });
    setDialog({ act: "create", user: null });
  };

  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <h1 className={classes.heading}>{t("people.title")}</h1>
        <Button leftSection={<Plus size={16} aria-hidden="true" />} onClick={create}>
          {t("people.new")}
        </Button>
      </div>

      <div role="status" aria-live="polite">
        {notice.text && (
          <Alert
            className={classes.notice}
            data-bad={notice.bad || undefined}
            withCloseButton
            closeButtonLabel={t("form.cancel")}
            onClose={() => setNotice({ text: "", bad: false })}
          >
            {notice.text}
          </Alert>
        )}
      </div>

      <section className={classes.list} aria-label={t("people.title")} aria-busy={loaded.busy}>
        <div className={classes.filters} role="search">
          <TextInput
            className={classes.search}
            aria-label={t("people.search")}
            placeholder={t("people.search")}
            leftSection={<Search size={16} aria-hidden="true" />}
            type="search"
            maxLength={64}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <NativeSelect
            aria-label={t("people.role")}
            data={[{ value: "", label: t("people.anyRole") }, ...ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))]}
            value={filter.role}
            onChange={(event) => setFilter({ ...filter, role: event.currentTarget.value as Role | "", page: 1 })}
          />
          <NativeSelect
            aria-label={t("people.state")}
            data={[
              { value: "true", label: t("people.active") },
              { value: "false", label: t("people.inactive") },
              { value: "all", label: t("people.all") },
            ]}
            value={filter.active}
            onChange={(event) => setFilter({ ...filter, active: event.currentTarget.value as Standing, page: 1 })}
          />
          <span className={`${parts.quiet} ${parts.small} ${classes.found}`} role="status">
            {loaded.data && t("people.found", { count: total, total: number(total, locale) })}
          </span>
        </div>
        {loaded.data === null && Boolean(loaded.problem) && <Failure problem={loaded.problem} retry={loaded.refresh} />}
        {loaded.data === null && !loaded.problem && <div className={parts.skeleton} data-tall aria-hidden="true" />}
        {loaded.data?.data.length === 0 && (
          <div className={parts.nothing}>
            <strong>{t("people.none")}</strong>
            <p>{t("people.noneHint")}</p>
          </div>
        )}
        {Boolean(loaded.data?.data.length) && loaded.data && (
          <>
            <UserTable users={loaded.data.data} act={act} />
            <Pager
              page={filter.page}
              pages={loaded.data.pagination?.pages ?? 1}
              choose={(page) => setFilter({ ...filter, page })}
            />
          </>
        )}
      </section>

      {(dialog?.act === "create" || dialog?.act === "edit") && (
        <ProfileDialog user={dialog.user} done={done} close={() => setDialog(null)} />
      )}
      {handed && (
        <HandOver
          handed={handed}
          close={() => {
            setNotice({ text: handed.notice, bad: false });
            setHanded(null);
          }}
        />
      )}
      {dialog?.act === "sessions" && (
        <SureDialog user={dialog.user} texts="sessions" act={(user) => endSessions(api, user._id)} done={done} close={() => setDialog(null)} />
      )}
      {dialog?.act === "password" && <PasswordDialog user={dialog.user} done={done} close={() => setDialog(null)} />}
      {dialog?.act === "deactivate" && (
        <SureDialog user={dialog.user} texts="deactivate" act={(user) => change(api, user._id, { isActive: false })} done={done} close={() => setDialog(null)} />
      )}
    </div>
  );
}
