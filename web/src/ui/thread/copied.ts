// Several messages as text: who said what, and when.
import type { TFunction } from "i18next";
import type { People } from "../../core/people";
import type { Message } from "../../core/wire";
import { personName, plainText, systemText } from "../common/names";
import { fullTime } from "../common/times";

export function copied(messages: readonly Message[], people: People, me: string, t: TFunction): string {
  return [...messages]
    .sort((a, b) => a.seq - b.seq)
    .map((one) => {
      if (one.system) return `[${fullTime(one.createdAt)}] ${systemText(one, people, me, t)}`;
      // A name, not «You»: where it is pasted nobody knows who copied it.
      const text = one.merged?.length
        ? [plainText(one, t), ...one.merged.map((part) => `  ${said(part, people, t)}`)].join("\n")
        : plainText(one, t);
      return `[${fullTime(one.createdAt)}] ${t("list.said", { name: personName(people, one.sender), text })}`;
    })
    .join("\n");
}

function said(part: NonNullable<Message["merged"]>[number], people: People, t: TFunction): string {
  return t("list.said", { name: personName(people, part.sender), text: plainText(part, t) });
}

/** The messages a selection by the mouse touches, when they are several. */
export function selectedRows(scroller: HTMLElement): number[] {
  const selection = window.getSelection();
  if (!selection || selection.isCollapsed) return [];
  const rows = [...scroller.querySelectorAll<HTMLElement>("[data-row]")].filter((row) => selection.containsNode(row, true));
  return rows.length > 1 ? rows.map((row) => Number(row.dataset.row)) : [];
}
