// A part of the dashboard: a heading, what may be done with it, and its loading, empty and failed states.
import { Button } from "@mantine/core";
import { Download, TriangleAlert } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { useAccount } from "../../app/account";
import { download, type Source } from "../stats";
import { useAdminTexts } from "../texts";
import classes from "./parts.module.css";
import { useReason } from "./reason";
import type { Loaded } from "./useLoaded";

interface PanelProps<T> {
  title: string;
  hint?: string;
  loaded: Loaded<T>;
  /** What to say instead when there is nothing to show. */
  empty?: (data: T) => string;
  source?: Source;
  actions?: ReactNode;
  wide?: boolean;
  children: (data: T) => ReactNode;
}

export function Panel<T>({ title, hint, loaded, empty, source, actions, wide, children }: PanelProps<T>) {
  const id = useId();
  const nothing = loaded.data !== null ? empty?.(loaded.data) : undefined;
  return (
    <section className={classes.panel} data-wide={wide || undefined} aria-labelledby={id} aria-busy={loaded.busy}>
      <header className={classes.panelHead}>
        <div className={classes.panelTitle}>
          <h2 id={id}>{title}</h2>
          {hint && <p>{hint}</p>}
        </div>
        <div className={classes.panelActions}>
          {actions}
          {source && <CsvButton source={source} what={title} />}
        </div>
      </header>
      {loaded.data === null && Boolean(loaded.problem) && <Failure problem={loaded.problem} retry={loaded.refresh} />}
      {loaded.data === null && !loaded.problem && <div className={classes.skeleton} data-tall aria-hidden="true" />}
      {loaded.data !== null && (nothing ? <p className={classes.nothing}>{nothing}</p> : children(loaded.data))}
    </section>
  );
}

export function Failure({ problem, retry }: { problem: unknown; retry: () => void }) {
  const { t } = useAdminTexts();
  const reason = useReason();
  return (
    <div className={classes.failure} role="alert">
      <TriangleAlert size={20} aria-hidden="true" />
      <div>
        <strong>{t("failed.title")}</strong>
        <p>{reason(problem)}</p>
      </div>
      <Button size="xs" variant="default" onClick={retry}>
        {t("failed.retry")}
      </Button>
    </div>
  );
}

export function CsvButton({ source, what }: { source: Source; what: string }) {
  const { t } = useAdminTexts();
  const { api } = useAccount();
  const reason = useReason();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const start = async () => {
    setBusy(true);
    setProblem("");
    try {
      await download(api, source, (field) => t(`column.${field}`, { defaultValue: field }) as string);
    } catch (thrown) {
      setProblem(t("csv.failed", { why: reason(thrown) }));
    }
    setBusy(false);
  };
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<Download size={14} aria-hidden="true" />}
        loading={busy}
        onClick={start}
        aria-label={t("csv.of", { what })}
      >
        {t("csv.download")}
      </Button>
      {problem && (
        <span role="alert" className={classes.problem}>
          {problem}
        </span>
      )}
    </>
  );
}
