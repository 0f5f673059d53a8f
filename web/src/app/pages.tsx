// Which page an address shows. Addresses live in the hash (`#/s/…`, `#/admin/…`), so the service needs no rule for them.
import { Redirect, Route, Switch } from "wouter";
import type { ChatClient } from "../core/client";
import { useAccount } from "./account";
import { type AlertContent, useAlerts } from "./alerts";
import { usePresenceOfMine } from "./presence";
import { part } from "../ui/common/part";

const SignIn = part(() => import("../ui/signin/SignIn"), "page");
const MustChange = part(() => import("../ui/account/MustChange"), "page", false);
const Chat = part(() => import("../ui/ChatPage"), "page", false);
/** The administrators' pages: a chunk of their own, fetched when one is opened. They take every address below `/admin`. */
const Admin = part(() => import("../admin"), "page", false);

export function Pages() {
  const { user, client, organisation } = useAccount();
  if (!user) return <SignIn />;
  if (user.mustChangePassword) return <MustChange />;
  return (
    <>
      {client && <Watch client={client} ceiling={organisation.notifyContentMax} />}
      <Switch>
        <Route path="/admin/*?">{user.role === "admin" ? <Admin /> : <Redirect to="/" />}</Route>
        <Route path="/s/:sessionId">{({ sessionId }) => <Chat sessionId={sessionId} />}</Route>
        <Route>
          <Chat />
        </Route>
      </Switch>
    </>
  );
}

/** Runs as long as a user is signed in, on every page: notifications and presence. */
function Watch({ client, ceiling }: { client: ChatClient; ceiling: AlertContent }) {
  useAlerts(client, ceiling);
  usePresenceOfMine(client);
  return null;
}
