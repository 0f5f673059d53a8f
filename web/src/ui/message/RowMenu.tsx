// What can be done with a message. One menu for the whole conversation, where the pointer or the focused row is.
import { Menu } from "@mantine/core";
import { CheckSquare, Copy, Eye, Forward, Pencil, Reply, Trash2, Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import type { Message } from "../../core/wire";
import { useThread } from "../thread/thread-actions";
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

export function RowMenu({ at, onClose }: { at: RowMenuAt; onClose(): void }) {
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
  const item = (key: string, icon: React.ReactNode, act: (message: Message) => void, danger = false) => (
    <Menu.Item leftSection={icon} color={danger ? "red" : undefined} onClick={() => act(message)}>
      {t(`message.${key}`)}
    </Menu.Item>
  );
  return (
    <Menu
      opened
      onClose={close}
      position="bottom-start"
      offset={2}
      shadow="md"
      width={230}
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
      <Menu.Dropdown aria-label={t("message.actions")}>
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
        {text && item("copy", <Copy {...ICON} />, thread.copy)}
        {own && item("receipts", <Eye {...ICON} />, thread.receipts)}
        {own && text && item("edit", <Pencil {...ICON} />, thread.edit)}
        {own && item("recall", <Undo2 {...ICON} />, thread.recall)}
        {(own || user?.role === "admin") && item("delete", <Trash2 {...ICON} />, thread.remove, true)}
      </Menu.Dropdown>
    </Menu>
  );
}
