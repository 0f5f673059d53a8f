// From page to page of a list; nothing when there is one page only.
import { ActionIcon } from "@mantine/core";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useAdminTexts } from "../texts";
import classes from "./Pager.module.css";

export function Pager({ page, pages, choose }: { page: number; pages: number; choose: (page: number) => void }) {
  const { t } = useAdminTexts();
  if (pages <= 1) return null;
  return (
    <nav className={classes.pager} aria-label={t("people.page", { page, pages })}>
      <ActionIcon variant="default" size="md" disabled={page <= 1} onClick={() => choose(page - 1)} aria-label={t("people.previous")}>
        <ChevronLeft size={16} aria-hidden="true" />
      </ActionIcon>
      <span aria-live="polite">{t("people.page", { page, pages })}</span>
      <ActionIcon variant="default" size="md" disabled={page >= pages} onClick={() => choose(page + 1)} aria-label={t("people.next")}>
        <ChevronRight size={16} aria-hidden="true" />
      </ActionIcon>
    </nav>
  );
}
