// What the messages are: text, images, files, voice.
import { number } from "../parts/format";
import { Panel } from "../parts/Panel";
import type { Loaded } from "../parts/useLoaded";
import type { Overview } from "../stats";
import { useAdminTexts } from "../texts";
import classes from "./dashboard.module.css";

const KINDS = ["text", "image", "file", "voice"] as const;

export function Kinds({ overview }: { overview: Loaded<Overview> }) {
  const { t, locale } = useAdminTexts();
  return (
    <Panel title={t("kinds.title")} loaded={overview}>
      {({ messages }) => {
        const rows = KINDS.map((kind) => [kind, messages.byType[kind] ?? 0] as const);
        const all = rows.reduce((sum, [, count]) => sum + count, 0);
        return (
          <ul className={classes.kinds}>
            {rows.map(([kind, count]) => (
              <li key={kind}>
                <span>{t(`kinds.${kind}`)}</span>
                <span className={classes.kindCount}>{number(count, locale)}</span>
                <span className={classes.kindBar}>
                  <span style={{ width: `${all ? (100 * count) / all : 0}%` }} />
                </span>
              </li>
            ))}
          </ul>
        );
      }}
    </Panel>
  );
}
