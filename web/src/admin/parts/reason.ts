// Why a call failed, in the person's words.
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../core/api";

export function useReason(): (thrown: unknown) => string {
  const { t } = useTranslation();
  return useCallback(
    (thrown) => {
      if (!(thrown instanceof ApiError)) return t("error.crashed");
      return thrown.code === "NETWORK" ? t("error.network") : thrown.message;
    },
    [t],
  );
}
