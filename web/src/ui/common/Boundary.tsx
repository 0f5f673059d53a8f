import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "./Empty";

/** Catches what breaks while drawing. What was written lies in drafts and outbox and is there after a new load. */
export class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useTranslation();
  return (
    <main role="alert" style={{ height: "100%" }}>
      <Empty level="h1" title={t("error.crashed")}>
        <Button onClick={() => window.location.reload()}>{t("error.reload")}</Button>
      </Empty>
    </main>
  );
}
