// Which page an address shows. Addresses live in the hash (`#/s/…`, `#/admin/…`), so the service needs no rule for them.
import { lazy, Suspense } from "react";
import { Redirect, Route, Switch } from "wouter";
import { Waiting } from "../ui/common/Waiting";
import { SignIn } from "../ui/signin/SignIn";
import { useAccount } from "./account";

const Chat = lazy(() => import("../ui/ChatPage"));
/** The administrators' pages: a chunk of their own, fetched when one is opened. They take every address below `/admin`. */
const Admin = lazy(() => import("../admin"));

export function Pages() {
  const { user } = useAccount();
  if (!user) return <SignIn />;
  return (
    <Suspense fallback={<Waiting />}>
      <Switch>
        <Route path="/admin/*?">{user.role === "admin" ? <Admin /> : <Redirect to="/" />}</Route>
        <Route path="/s/:sessionId">{({ sessionId }) => <Chat sessionId={sessionId} />}</Route>
        <Route>
          <Chat />
        </Route>
      </Switch>
    </Suspense>
  );
}
