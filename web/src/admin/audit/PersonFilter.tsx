// The choice of a user, found by their profile; deactivated users, too.
import { Button, TextInput } from "@mantine/core";
import { X } from "lucide-react";
import { useEffect, useId, useState } from "react";
import { useAccount } from "../../app/account";
import { useLater } from "../../app/hooks";
import type { User } from "../../core/api";
import { byFit } from "../../ui/common/people";
import suggestions from "../../ui/common/Suggestions.module.css";
import { useAdminTexts } from "../texts";
import classes from "./audit.module.css";

interface Props {
  label: string;
  /** An id; empty for anyone. */
  chosen: string;
  /** What the chosen one is called. */
  name: string | undefined;
  choose: (id: string, name: string) => void;
}

export function PersonFilter({ label, chosen, name, choose }: Props) {
  const { t } = useAdminTexts();
  const { api } = useAccount();
  const id = useId();
  const [text, setText] = useState("");
  const [found, setFound] = useState<{ of: string; users: User[] }>({ of: "", users: [] });
  const sought = useLater(text.trim(), 200);
  useEffect(() => {
    if (!sought) return;
    const leaving = new AbortController();
    const query = { search: sought, active: "all", limit: 8 };
    api.call<User[]>("GET", "/api/chat/users", { query, signal: leaving.signal }).then(
      (users) => setFound({ of: sought, users: byFit(users, sought) }),
      () => {},
    );
    return () => leaving.abort();
  }, [api, sought]);
  if (chosen) {
    return (
      <div className={classes.person}>
        <span className={classes.label}>{label}</span>
        <Button variant="light" rightSection={<X size={14} aria-hidden="true" />} onClick={() => choose("", "")} aria-label={t("audit.notOnly", { label, name: name ?? chosen })}>
          {name ?? chosen}
        </Button>
      </div>
    );
  }
  return (
    <div className={classes.person}>
      <TextInput
        id={id}
        label={label}
        type="search"
        autoComplete="off"
        placeholder={t("people.search")}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {text.trim() && found.of === text.trim() && (
        <ul className={suggestions.list} aria-label={label}>
          {found.users.map((one) => (
            <li key={one._id}>
              <button
                type="button"
                onClick={() => {
                  setText("");
                  choose(one._id, one.realName || one.username);
                }}
              >
                <span dir="auto">{one.realName || one.username}</span>
                <span className={classes.what} dir="auto">
                  {[one.username, one.department].filter(Boolean).join(" · ")}
                </span>
              </button>
            </li>
          ))}
          {found.users.length === 0 && <li className={classes.what}>{t("people.none")}</li>}
        </ul>
      )}
    </div>
  );
}
