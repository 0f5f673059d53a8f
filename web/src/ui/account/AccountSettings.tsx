// The user's own account: the picture, what colleagues see, the password, and an end to all sign-ins.
import { Alert, Button, Switch } from "@mantine/core";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { upload } from "../../app/upload";
import { usePerson } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { Avatar } from "../common/Avatar";
import { said } from "../common/said";
import classes from "./Account.module.css";
import { ChangePassword } from "./ChangePassword";
import { part } from "../common/part";

const LeaveGroups = part(() => import("../group/LeaveGroups"), "dialog");

const PICTURE_LIMIT = 10_000_000;

export function AccountSettings({ client }: { client: ChatClient }) {
  const { t } = useTranslation();
  const { api, user, keepUser, signOutEverywhere } = useAccount();
  const me = usePerson(client.me);
  const [open, setOpen] = useState<"password" | "everywhere" | null>(null);
  const [busy, setBusy] = useState("");
  const [leaving, setLeaving] = useState(false);
  const [note, setNote] = useState({ text: "", bad: false });
  const field = useRef<HTMLInputElement>(null);
  const name = me ? nameOf(me) : (user?.username ?? "");

  const attempt = async (what: string, act: () => Promise<string>) => {
    setBusy(what);
    setNote({ text: "", bad: false });
    try {
      setNote({ text: await act(), bad: false });
    } catch (thrown) {
      setNote({ text: said(thrown, t), bad: true });
    }
    setBusy("");
  };
  const change = async (body: Partial<User>) => {
    const changed = await api.call<User>("PATCH", `/api/chat/users/${client.me}`, { body });
    client.people.learn([changed]);
    keepUser({ ...changed, ...body });
  };
  const choose = (file: File) => {
    if (!file.type.startsWith("image/")) return setNote({ text: t("account.noPicture", { name: file.name }), bad: true });
    if (file.size > PICTURE_LIMIT) return setNote({ text: t("composer.tooLarge", { name: file.name, limit: "10 MB" }), bad: true });
    return void attempt("picture", async () => {
      const { fileUrl } = await upload(api, file, () => {}).done;
      await change({ avatar: fileUrl });
      return t("account.pictureSet");
    });
  };
  return (
    <section className={classes.account} aria-label={t("account.title")}>
      <h3 className={classes.heading}>{t("account.title")}</h3>
      {note.text && (
        <Alert role={note.bad ? "alert" : "status"} className={note.bad ? classes.problem : classes.note}>
          {note.text}
        </Alert>
      )}
      <div className={classes.picture}>
        <Avatar name={name} id={client.me} size={56} picture={me?.avatar} />
        <input
          ref={field}
          type="file"
          accept="image/png,image/jpeg,image/webp,image/gif"
          hidden
          data-testid="picture-input"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) choose(file);
          }}
        />
        <div className={classes.buttons}>
          <Button size="xs" variant="default" loading={busy === "picture"} onClick={() => field.current?.click()}>
            {t("account.setPicture")}
          </Button>
          {me?.avatar && (
            <Button
              size="xs"
              variant="subtle"
              onClick={() =>
                void attempt("remove", async () => {
                  await change({ avatar: "" });
                  return t("account.pictureRemoved");
                })
              }
            >
              {t("account.removePicture")}
            </Button>
          )}
        </div>
      </div>
      <Switch
        label={t("account.contacts")}
        description={t("account.contactsHint")}
        checked={me?.contactsShared ?? user?.contactsShared ?? false}
        disabled={busy === "contacts"}
        onChange={(event) => {
          const contactsShared = event.currentTarget.checked;
          void attempt("contacts", async () => {
            await change({ contactsShared });
            return "";
          });
        }}
      />
      {open === "password" ? (
        <ChangePassword
          onDone={() => {
            setOpen(null);
            setNote({ text: t("account.changed"), bad: false });
          }}
        />
      ) : open === "everywhere" ? (
        <div className={classes.sure}>
          <p>{t("account.everywhereSure")}</p>
          <div className={classes.buttons}>
            <Button variant="default" onClick={() => setOpen(null)} data-autofocus>
              {t("app.cancel")}
            </Button>
            <Button
              color="red"
              loading={busy === "everywhere"}
              onClick={() =>
                void attempt("everywhere", async () => {
                  await signOutEverywhere();
                  setOpen(null);
                  return t("account.everywhereDone");
                })
              }
            >
              {t("account.everywhere")}
            </Button>
          </div>
        </div>
      ) : (
        <div className={classes.buttons}>
          <Button variant="default" onClick={() => setOpen("password")}>
            {t("account.changePassword")}
          </Button>
          <Button variant="default" onClick={() => setOpen("everywhere")}>
            {t("account.everywhere")}
          </Button>
        </div>
      )}
      <Button variant="subtle" size="xs" onClick={() => setLeaving(true)}>
        {t("group.leaveMany")}
      </Button>
      {leaving && (
          <LeaveGroups client={client} onClose={() => setLeaving(false)} />
      )}
    </section>
  );
}
