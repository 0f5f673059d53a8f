// Asks first for a new password when another user set the present one.
import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { LanguageChoice } from "../common/LanguageChoice";
import { Logo } from "../common/Logo";
import signin from "../signin/SignIn.module.css";
import { ChangePassword } from "./ChangePassword";

export default function MustChange() {
  const { t } = useTranslation();
  const { signOut } = useAccount();
  return (
    <main className={signin.page}>
      <section className={signin.card} aria-labelledby="must-change">
        <div className={signin.brand}>
          <Logo size={44} />
          <h1 id="must-change" className={signin.name}>
            {t("account.mustTitle")}
          </h1>
        </div>
        <p className={signin.tagline}>{t("account.must")}</p>
        <ChangePassword onDone={() => {}} />
        <Button variant="subtle" onClick={() => void signOut()}>
          {t("settings.signOut")}
        </Button>
        <div className={signin.language}>
          <LanguageChoice />
        </div>
      </section>
    </main>
  );
}
