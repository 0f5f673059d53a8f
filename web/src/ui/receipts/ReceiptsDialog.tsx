// Who has read a message and when, who has it and has not, and whom it has not reached.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Receipts } from "../../core/api";
import type { ChatClient } from "../../core/client";
import type { Message } from "../../core/wire";
import { PersonAvatar } from "../common/Avatar";
import { personName } from "../common/names";
import { fullTime } from "../common/times";
import { Waiting } from "../common/Waiting";
import classes from "./ReceiptsDialog.module.css";
import { Modal } from "../common/Modal";

type Receipt = Receipts["receipts"][number];

export default function ReceiptsDialog(props: { client: ChatClient; message: Message; onClose(): void }) {
  const { client, message, onClose } = props;
  const { t } = useTranslation();
  const [receipts, setReceipts] = useState<Receipt[] | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    client.api.call<Receipts>("GET", `/api/chat/messages/${message._id}/receipts`).then(
      (answer) => setReceipts(answer.receipts),
      () => setProblem(t("receipts.failed")),
    );
  }, [client, message, t]);
  return (
    <Modal opened onClose={onClose} title={t("receipts.title")} closeButtonProps={{ "aria-label": t("app.close") }}>
      {problem && <p role="alert">{problem}</p>}
      {!receipts && !problem && <Waiting />}
      {receipts && (
        <div className={classes.parts}>
          <Part
            client={client}
            title={t("receipts.read")}
            all={receipts.filter((one) => one.readAt)}
            at={(one) => one.readAt}
          />
          <Part
            client={client}
            title={t("receipts.delivered")}
            all={receipts.filter((one) => !one.readAt && one.deliveredAt)}
            at={(one) => one.deliveredAt}
          />
          <Part
            client={client}
            title={t("receipts.waiting")}
            all={receipts.filter((one) => !one.readAt && !one.deliveredAt)}
            at={() => null}
          />
        </div>
      )}
    </Modal>
  );
}

interface PartProps {
  client: ChatClient;
  title: string;
  all: Receipt[];
  at(one: Receipt): string | null | undefined;
}

function Part({ client, title, all, at }: PartProps) {
  if (all.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3 className={classes.title}>
        {title} ({all.length})
      </h3>
      <ul className={classes.rows}>
        {all.map((one) => {
          const when = at(one);
          return (
            <li key={one.userId} className={classes.row}>
              <PersonAvatar userId={one.userId} size={30} dot={false} />
              <span>{personName(client.people, one.userId)}</span>
              {when && <time dateTime={when}>{fullTime(when)}</time>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
