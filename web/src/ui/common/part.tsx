// Parts of the page that are loaded when they are wanted, or before, when there is time. One that does not come says so and
// can be tried again; the rest of the page stays as it is.
import { Button } from "@mantine/core";
import { type ComponentType, useEffect, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { BASE } from "../../app/base";
import { fetchChunk } from "../../app/chunks";
import { loadLanguages } from "../../i18n";
import { Boundary } from "./Boundary";
import { type PartKind, Trouble } from "./Trouble";
import { Waiting } from "./Waiting";

type Loaded<P> = { default: ComponentType<P> };
type State<P> = { component?: ComponentType<P>; failed?: "now" | "upgraded" };

/** What may be wanted later waits for what is wanted now: the conversation that is opened first. */
const AHEAD_AFTER_MS = 3_000;
const PAUSE_MS = 150;
const all: { load(): Promise<void> }[] = [{ load: loadLanguages }];

class Part<P> {
  state: State<P> = {};
  private readonly listeners = new Set<() => void>();
  private running: Promise<void> | undefined;
  private attempts = 0;

  constructor(private readonly fetch: () => Promise<Loaded<P>>) {}

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly get = () => this.state;

  load(): Promise<void> {
    if (this.state.component) return Promise.resolve();
    this.running ??= this.attempt().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async attempt(): Promise<void> {
    this.set({});
    this.attempts += 1;
    try {
      this.set({ component: (await fetchChunk(this.fetch, this.attempts)).default });
    } catch {
      this.set({ failed: (await upgraded()) ? "upgraded" : "now" });
    }
  }

  private set(state: State<P>): void {
    this.state = state;
    for (const listener of [...this.listeners]) listener();
  }
}

/** Whether the service has another build of the client by now. */
async function upgraded(): Promise<boolean> {
  const own = document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src.split("/").at(-1);
  if (!own) return false;
  try {
    const answer = await fetch(`${BASE}/`, { cache: "no-store", headers: { Accept: "text/html" } });
    return answer.ok && !(await answer.text()).includes(own);
  } catch {
    return false;
  }
}

/** A component that is loaded when it is drawn for the first time. */
export function part<P extends object>(fetch: () => Promise<Loaded<P>>, kind: PartKind, ahead = true): ComponentType<P> {
  const loading = new Part<P>(fetch);
  if (ahead) all.push(loading);
  return function PartOfPage(props: P) {
    const { component: Component, failed } = useSyncExternalStore(loading.subscribe, loading.get);
    useEffect(() => void loading.load(), []);
    const close = closing(props);
    if (Component) {
      return (
        <Boundary kind={kind} onClose={close}>
          <Component {...props} />
        </Boundary>
      );
    }
    if (failed) return <Failed kind={kind} upgraded={failed === "upgraded"} again={() => void loading.load()} onClose={close} />;
    return kind === "page" || kind === "pane" ? <Waiting /> : null;
  };
}

function closing(props: object): (() => void) | undefined {
  const { onClose, onDone } = props as { onClose?: (...told: unknown[]) => void; onDone?: (nothing: null) => void };
  if (onClose) return () => onClose();
  return onDone && (() => onDone(null));
}

interface FailedProps {
  kind: PartKind;
  upgraded: boolean;
  again(): void;
  onClose?: () => void;
}

function Failed({ kind, upgraded: newer, again, onClose }: FailedProps) {
  const { t } = useTranslation();
  return (
    <Trouble kind={kind} title={t(newer ? "part.upgraded" : "part.failed")} onClose={onClose}>
      {newer && <Button onClick={() => window.location.reload()}>{t("error.reload")}</Button>}
      <Button variant={newer ? "default" : "filled"} onClick={again}>
        {t("app.retry")}
      </Button>
    </Trouble>
  );
}

/** Fetches what may be wanted later, one after the other, when the browser has nothing else to do. */
export function fetchAhead(): () => void {
  let gone = false;
  const saving = (navigator as Navigator & { connection?: { saveData?: boolean } }).connection?.saveData;
  const idle = () =>
    new Promise<void>((resume) => {
      if ("requestIdleCallback" in window) requestIdleCallback(() => resume(), { timeout: 5_000 });
      else setTimeout(resume, PAUSE_MS);
    });
  const go = async () => {
    await new Promise((resume) => setTimeout(resume, AHEAD_AFTER_MS));
    for (const one of saving ? [] : all) {
      await idle();
      if (gone) return;
      await one.load();
    }
  };
  void go();
  return () => {
    gone = true;
  };
}
