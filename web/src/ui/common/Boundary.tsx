import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type PartKind, Trouble } from "./Trouble";

interface BoundaryProps {
  children: ReactNode;
  /** What it is around: what broke in it leaves the rest of the page as it is. */
  kind?: PartKind | "row";
  onClose?: () => void;
}

/** Catches what breaks while drawing. What was written lies in drafts and outbox and is there after a new load. */
export class Boundary extends Component<BoundaryProps, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    const { kind = "page", onClose } = this.props;
    return <Broken kind={kind} onClose={onClose} again={() => this.setState({ broken: false })} />;
  }
}

interface BrokenProps {
  kind: NonNullable<BoundaryProps["kind"]>;
  again(): void;
  onClose?: () => void;
}

function Broken({ kind, again, onClose }: BrokenProps) {
  const { t } = useTranslation();
  if (kind === "row") return <p role="alert">{t("part.row")}</p>;
  if (kind === "page") {
    return (
      <main style={{ height: "100%" }}>
        <Trouble kind="page" title={t("error.crashed")}>
          <Button onClick={() => window.location.reload()}>{t("error.reload")}</Button>
        </Trouble>
      </main>
    );
  }
  return (
    <Trouble kind={kind} title={t("part.broken")} onClose={onClose}>
      <Button onClick={again}>{t("app.retry")}</Button>
    </Trouble>
  );
}
