// Always says whether what is on screen is live, being synced, or of before the connection went.
import { CloudOff, RefreshCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, useNow } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { serviceClock } from "../../core/clock";
import classes from "./StatusLine.module.css";

export function StatusLine({ client }: { client: ChatClient }) {
  const { t } = useTranslation();
  const { connection, outbox } = client;
  useChanges(connection);
  useChanges(outbox);
  const { state } = connection;
  const offline = state.name === "offline";
  const now = useNow(1_000, offline);
  const seconds = offline ? Math.max(0, Math.ceil((state.retryAt - now) / 1_000)) : 0;

  useEffect(() => {
    const retry = () => connection.dispatch({ type: "retry" });
    const lost = () => connection.dispatch({ type: "lost" });
    const shown = () => {
      if (document.visibilityState !== "visible") return;
      retry();
      void connection.probe();
    };
    window.addEventListener("online", retry);
    window.addEventListener("offline", lost);
    document.addEventListener("visibilitychange", shown);
    return () => {
      window.removeEventListener("online", retry);
      window.removeEventListener("offline", lost);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [connection]);

  useChanges(client.api.busy);
  const busyUntil = client.api.busy.until;
  const busyNow = useNow(1_000, busyUntil > serviceClock.now());
  const busy = Math.ceil((busyUntil - busyNow) / 1_000);

  const name = state.name === "idle" || state.name === "signedOut" ? "connecting" : state.name;
  // A first failure is followed by "connecting" a moment later: it stays "offline" to the eye until it works.
  const shown = name === "connecting" && state.name === "connecting" && state.attempt > 0 ? "offline" : name;
  const waiting = outbox.size;
  const refused = useRefused(client, shown === "offline" && "attempt" in state && state.attempt >= 2);
  return (
    <section className={classes.line} data-state={shown} aria-label={t("status.label")}>
      <span role="status" className={classes.word} data-testid="connection" data-state={name}>
        <span className={classes.mark} aria-hidden="true">
          {shown === "offline" ? <CloudOff size={14} /> : shown === "live" ? <i /> : <RefreshCw size={13} />}
        </span>
        {t(refused ? "status.refused" : `status.${shown}`)}
      </span>
      {refused && <span className={classes.hint}>{t("status.refusedHint")}</span>}
      {shown === "offline" && <span className={classes.hint}>{t("status.offlineHint")}</span>}
      {busy > 0 && <span data-testid="busy">{t("error.busy", { seconds: busy })}</span>}
      {waiting > 0 && shown !== "live" && <span>{t("status.waiting", { count: waiting })}</span>}
      {offline && (
        <>
          <span className={classes.count}>{t("status.retryIn", { seconds })}</span>
          <button type="button" className={classes.again} onClick={() => connection.dispatch({ type: "retry" })}>
            {t("status.retryNow")}
          </button>
        </>
      )}
    </section>
  );
}

/** Whether the service answers calls while no live connection comes about: something between here and it lets none through. */
function useRefused(client: ChatClient, failing: boolean): boolean {
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    if (!failing) {
      setRefused(false);
      return;
    }
    const leaving = new AbortController();
    client.api.call("GET", "/api/auth/settings", { signal: leaving.signal }).then(
      () => setRefused(true),
      () => {},
    );
    return () => leaving.abort();
  }, [client, failing]);
  return refused;
}
