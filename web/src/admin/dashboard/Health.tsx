// How the service is, asked of its health address as a probe would, and how this page is connected to it.
import { type ReactNode, useCallback, useSyncExternalStore } from "react";
import { useAccount } from "../../app/account";
import { ApiError } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { number } from "../parts/format";
import { Panel } from "../parts/Panel";
import parts from "../parts/parts.module.css";
import { useLoaded } from "../parts/useLoaded";
import { useAdminTexts } from "../texts";
import classes from "./dashboard.module.css";

interface Look {
  reached: boolean;
  databaseAnswers: boolean;
  message: string;
  tookMs: number;
}

const EVERY = 10_000;

export function Health() {
  const { t, locale } = useAdminTexts();
  const { api, client } = useAccount();
  const loaded = useLoaded(
    useCallback(
      async (signal: AbortSignal): Promise<Look> => {
        const started = performance.now();
        try {
          const answer = await api.raw("GET", "/api/health", { signal });
          const { message } = (await answer.json()) as { message: string };
          return { reached: true, databaseAnswers: true, message, tookMs: performance.now() - started };
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown;
          // 503 is the service's own word that the database is away; no status is no service.
          return { reached: thrown.status !== 0, databaseAnswers: false, message: "", tookMs: performance.now() - started };
        }
      },
      [api],
    ),
    EVERY,
  );
  return (
    <Panel title={t("health.title")} loaded={loaded}>
      {(look) => (
        <>
          <dl className={classes.health}>
            <Row name={t("health.service")} state={look.reached ? "good" : "bad"}>
              {t(look.reached ? "health.running" : "health.unreachable")}
            </Row>
            <Row name={t("health.database")} state={look.databaseAnswers ? "good" : "bad"}>
              {t(look.databaseAnswers ? "health.answering" : "health.silent")}
            </Row>
            {client && <Connection client={client} />}
            <Row name={t("health.roundTrip")} state={look.tookMs < 500 ? "good" : "idle"}>
              {t("health.milliseconds", { value: number(Math.round(look.tookMs), locale) })}
            </Row>
          </dl>
          <p className={`${parts.quiet} ${parts.small}`}>{look.message || t("health.metrics")}</p>
        </>
      )}
    </Panel>
  );
}

function Connection({ client }: { client: ChatClient }) {
  const { t } = useAdminTexts();
  const live = useSyncExternalStore(
    useCallback((changed: () => void) => client.connection.subscribe(changed), [client]),
    () => client.connection.live,
  );
  return (
    <Row name={t("health.connection")} state={live ? "good" : "idle"}>
      {t(live ? "health.live" : "health.waiting")}
    </Row>
  );
}

function Row({ name, state, children }: { name: string; state: "good" | "idle" | "bad"; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span className={parts.dot} data-state={state} aria-hidden="true" />
        {children}
      </dd>
    </div>
  );
}
