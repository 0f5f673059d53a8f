// What can be done with a message. One menu for the whole conversation, where the pointer or the focused row is.
import { Menu } from "@mantine/core";
import { CheckSquare, Copy, Eye, Forward, Pencil, Reply, Trash2, Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import type { Message } from "../../core/wire";
import { editable } from "../composer/editing";
import { clockTime } from "../common/times";
import { useLayer } from "../common/useLayer";
import { useThread } from "../thread/thread-actions";
import { RECALL_MS, recallable } from "./recall";
import classes from "./RowMenu.module.css";

export interface RowMenuAt {
  message: Message;
  x: number;
  y: number;
  /** What has the focus when the menu is closed. */
  focusBack: HTMLElement | null;
}

const QUICK = ["👍", "✅", "👀", "🙏", "❤️", "😂", "❗"];
const ICON = { size: 16, "aria-hidden": true } as const;

export default function RowMenu({ at, onClose }: { at: RowMenuAt; onClose(): void }) {
  const { t } = useTranslation();
  const { user } = useAccount();
  const thread = useThread();
  const { message } = at;
  const own = message.sender === thread.client.me;
  const text = message.messageType === "text" && !message.merged;
  const close = () => {
    onClose();
    at.focusBack?.focus({ preventScroll: true });
  };
  useLayer(close);
  const item = (key: string, icon: React.ReactNode, act: (message: Message) => void, danger = false) => (
    <Menu.Item leftSection={icon} color={danger ? "red" : undefined} onClick={() => act(message)}>
      {t(`message.${key}`)}
    </Menu.Item>
  );
  return (
    <Menu
      opened
      onClose={close}
      closeOnEscape={false}
      position="bottom-start"
      offset={2}
      shadow="md"
      width="14.5rem"
      trapFocus
      returnFocus={false}
    >
      <Menu.Target>
        <button
          type="button"
          tabIndex={-1}
          className={classes.anchor}
          style={{ left: at.x, top: at.y }}
          aria-label={t("message.actions")}
        />
      </Menu.Target>
      <Menu.Dropdown data-layer="" aria-label={t("message.actions")}>
        <div className={classes.quick}>
          {QUICK.map((emoji) => (
            <Menu.Item
              key={emoji}
              className={classes.emoji}
              aria-label={`${t("message.react")} ${emoji}`}
              onClick={() => thread.react(message, emoji)}
            >
              {emoji}
            </Menu.Item>
          ))}
        </div>
        {item("reply", <Reply {...ICON} />, thread.reply)}
        {item("forward", <Forward {...ICON} />, (one) => thread.forward([one]))}
        {item("select", <CheckSquare {...ICON} />, thread.select)}
        {text && item("copy", <Copy {...ICON} />, (one) => thread.copy([one]))}
        {own && item("receipts", <Eye {...ICON} />, thread.receipts)}
        {own && editable(message) && item("edit", <Pencil {...ICON} />, thread.edit)}
        {own && recallable(message) && (
          <Menu.Item
            leftSection={<Undo2 {...ICON} />}
            aria-label={t("message.recall")}
            aria-describedby="recall-hint"
            onClick={() => thread.recall(message)}
          >
            {t("message.recall")}
            <span id="recall-hint" className={classes.hint}>
              {t("message.recallHint", { until: clockTime(Date.parse(message.createdAt) + RECALL_MS) })}
            </span>
          </Menu.Item>
        )}
        {(own || user?.role === "admin") && item("delete", <Trash2 {...ICON} />, thread.remove, true)}
      </Menu.Dropdown>
    </Menu>
  );
}
