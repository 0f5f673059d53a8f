// The administrators' pages, a chunk of their own: the dashboard and the people, under one head.
import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { ArrowLeft, LayoutDashboard, Moon, ScrollText, Sun, UsersRound } from "lucide-react";
import { useEffect } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { nameTitle } from "../app/title";
import { LanguageChoice } from "../ui/common/LanguageChoice";
import { Logo } from "../ui/common/Logo";
import classes from "./admin.module.css";
import { AuditPage } from "./audit/AuditPage";
import { Dashboard } from "./dashboard/Dashboard";
import { useAdminTexts } from "./texts";
import { UsersPage } from "./users/UsersPage";

const PAGES = [
  { path: "/admin", name: "nav.dashboard", Icon: LayoutDashboard },
  { path: "/admin/users", name: "nav.people", Icon: UsersRound },
  { path: "/admin/audit", name: "nav.audit", Icon: ScrollText },
] as const;

export default function Admin() {
  const { t } = useAdminTexts();
  const [path] = useLocation();
  const here = PAGES.find((page) => page.path === path)?.name ?? "title";
  useEffect(() => {
    nameTitle(`${t(here)} · Wardline`);
    return () => nameTitle("");
  }, [here, t]);

  return (
    <div className={classes.frame}>
      <header className={classes.head}>
        <Link href="/" className={classes.back} aria-label={t("nav.back")} title={t("nav.back")}>
          <ArrowLeft size={18} aria-hidden="true" />
          <Logo size={28} />
        </Link>
        <span className={classes.name}>{t("title")}</span>
        <nav className={classes.pages} aria-label={t("nav.label")}>
          {PAGES.map(({ path: href, name, Icon }) => (
            <Link key={href} href={href} className={classes.page} aria-current={href === path ? "page" : undefined}>
              <Icon size={16} aria-hidden="true" />
              {t(name)}
            </Link>
          ))}
        </nav>
        <div className={classes.choices}>
          <LanguageChoice />
          <SchemeButton />
        </div>
      </header>
      <main className={classes.main}>
        <Switch>
          <Route path="/admin" component={Dashboard} />
          <Route path="/admin/users" component={UsersPage} />
          <Route path="/admin/audit" component={AuditPage} />
          <Route>
            <Redirect to="/admin" />
          </Route>
        </Switch>
      </main>
    </div>
  );
}

function SchemeButton() {
  const { t } = useAdminTexts();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const label = t(dark ? "theme.toLight" : "theme.toDark");
  return (
    <ActionIcon variant="default" size="lg" onClick={() => setColorScheme(dark ? "light" : "dark")} aria-label={label} title={label}>
      {dark ? <Sun size={16} aria-hidden="true" /> : <Moon size={16} aria-hidden="true" />}
    </ActionIcon>
  );
}
