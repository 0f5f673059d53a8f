// The password that an admin chooses for a user: readable, since it has to be handed over.
import { Button, TextInput } from "@mantine/core";
import { Dices } from "lucide-react";
import { useAdminTexts } from "../texts";
import { suggestPassword } from "./accounts";
import classes from "./users.module.css";

interface Props {
  value: string;
  error?: string;
  onChange: (value: string) => void;
}

export function PasswordField({ value, error, onChange }: Props) {
  const { t } = useAdminTexts();
  return (
    <div className={classes.password}>
      <TextInput
        label={t("form.password")}
        description={t("form.passwordHint")}
        name="new-password"
        autoComplete="new-password"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={128}
        required
        value={value}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Button variant="default" leftSection={<Dices size={16} aria-hidden="true" />} onClick={() => onChange(suggestPassword())}>
        {t("form.generate")}
      </Button>
    </div>
  );
}
