// Where one writes. Every keystroke goes into the draft, which outlives the page; Enter puts it into the outbox.
import { Loader } from "@mantine/core";
import { Mic, Paperclip, Pencil, Reply, SendHorizontal, Smile, X } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNarrow, useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { personName, plainText, sessionName } from "../common/names";
import { IconButton } from "../shell/Side";
import type { Mode } from "../thread/ThreadPane";
import { AttachmentTray } from "./AttachmentTray";
import classes from "./Composer.module.css";
import { MentionList, useMentions } from "./Mentions";
import { useAttachments } from "./useAttachments";
import { useComposer } from "./useComposer";
import { useDrop } from "./useDrop";

const EmojiPicker = lazy(() => import("./EmojiPicker"));
const Recorder = lazy(() => import("./Recorder"));

interface ComposerProps {
  client: ChatClient;
  session: SessionStore;
  mode: Mode;
  setMode(mode: Mode): void;
}

export function Composer({ client, session, mode, setMode }: ComposerProps) {
  const { t } = useTranslation();
  const narrow = useNarrow();
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [emoji, setEmoji] = useState(false);
  const [recording, setRecording] = useState(false);
  const attachments = useAttachments(session.id);
  const composer = useComposer({ client, session, mode, setMode, attachments, field });
  const mentions = useMentions({ client, session, field, text: composer.text, setText: composer.setText });
  const dropping = useDrop(attachments.add);
  const name = useValue(client.people, () => sessionName(session, client.people));

  // A finger wants to read first: on a phone the keyboard would cover half of it.
  useEffect(() => {
    if (!narrow) field.current?.focus({ preventScroll: true });
  }, [narrow]);

  const finish = () => setMode({});
  return (
    <div className={classes.composer}>
      {dropping && <div className={classes.drop}>{t("composer.drop")}</div>}
      {(mode.replyTo || mode.editing) && <ModeLine client={client} mode={mode} onCancel={finish} />}
      <AttachmentTray attachments={attachments} />
      {composer.problem && (
        <p className={classes.problem} role="alert">
          {composer.problem}
        </p>
      )}
      <MentionList mentions={mentions} />
      {recording ? (
        <Suspense>
          <Recorder
            onDone={(file) => {
              setRecording(false);
              if (file) attachments.add([file], "voice");
            }}
          />
        </Suspense>
      ) : (
        <div className={classes.bar}>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            data-testid="file-input"
            onChange={(event) => {
              attachments.add([...(event.currentTarget.files ?? [])]);
              event.currentTarget.value = "";
            }}
          />
          <IconButton
            label={t("composer.attach")}
            onClick={() => picker.current?.click()}
            disabled={Boolean(mode.editing)}
          >
            <Paperclip size={20} />
          </IconButton>
          <div className={classes.field}>
            <textarea
              ref={field}
              rows={1}
              value={composer.text}
              aria-label={t("composer.label")}
              placeholder={t("composer.placeholder", { name })}
              aria-controls={mentions.found.length > 0 ? "mention-list" : undefined}
              aria-activedescendant={mentions.found.length > 0 ? `mention-${mentions.at}` : undefined}
              aria-autocomplete="list"
              enterKeyHint="send"
              onChange={(event) => {
                composer.typed(event.currentTarget.value);
                mentions.look();
              }}
              onSelect={mentions.look}
              onKeyDown={(event) => {
                if (!mentions.pressed(event)) composer.pressed(event);
              }}
              onPaste={(event) => {
                const files = [...event.clipboardData.files];
                if (files.length === 0) return;
                event.preventDefault();
                attachments.add(files);
              }}
              onBlur={() => client.typing(session.id, false)}
            />
          </div>
          <div className={classes.emojiPlace}>
            <IconButton label={t("composer.emoji")} pressed={emoji} onClick={() => setEmoji(!emoji)}>
              <Smile size={20} />
            </IconButton>
            {emoji && (
              <Suspense>
                <EmojiPicker onChosen={composer.insert} onClose={() => setEmoji(false)} />
              </Suspense>
            )}
          </div>
          {!composer.text.trim() && attachments.all.length === 0 && !mode.editing && (
            <IconButton label={t("composer.voice")} onClick={() => setRecording(true)}>
              <Mic size={20} />
            </IconButton>
          )}
          <IconButton
            className={classes.send}
            label={t("composer.send")}
            onClick={composer.send}
            disabled={!composer.sendable}
          >
            {composer.waiting ? <Loader size={18} /> : <SendHorizontal size={20} />}
          </IconButton>
        </div>
      )}
    </div>
  );
}

function ModeLine({ client, mode, onCancel }: { client: ChatClient; mode: Mode; onCancel(): void }) {
  const { t } = useTranslation();
  const message = mode.editing ?? mode.replyTo;
  if (!message) return null;
  const label = mode.editing
    ? t("composer.editing")
    : t("composer.replying", { name: personName(client.people, message.sender) });
  return (
    <div className={classes.mode}>
      {mode.editing ? <Pencil size={16} aria-hidden="true" /> : <Reply size={16} aria-hidden="true" />}
      <div className={classes.modeText}>
        <strong>{label}</strong>
        <span>{plainText(message, t)}</span>
      </div>
      <IconButton label={t(mode.editing ? "composer.cancelEdit" : "composer.cancelReply")} onClick={onCancel}>
        <X size={18} />
      </IconButton>
    </div>
  );
}
