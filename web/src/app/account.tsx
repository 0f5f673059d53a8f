// Who is signed in: the token, the person, and the chat client that lives as long as they do.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { browserAttachments } from "./attachments";
import { Api, ApiError, type SignedIn, type User } from "../core/api";
import { ChatClient } from "../core/client";
import { browserTabs } from "../core/tabs";
import { browserTransport } from "../core/transport";
import { language } from "../i18n";
import { Waiting } from "../ui/common/Waiting";
import { BASE } from "./base";
import { Vault } from "../core/vault";
import { browserStorage, dropStorage, LastWords } from "./browser-storage";
import { forgetLinks } from "./files";
import { type OrganisationSettings, organisationOf } from "./organisation";
import { forgetAccount, keepAccount, keptAccount, type Kept, markUsed, seemsExpired, watchAccount } from "./kept-account";
import { stoodUnused, watchStation } from "./station";

export interface Account {
  /** REST with the person's token and language. */
  api: Api;
  /** Null on the sign-in page. */
  user: User | null;
  /** The settings of the organisation. */
  organisation: OrganisationSettings;
  /** The chat's core; null until a user is signed in. */
  client: ChatClient | null;
  /** Why the last one ended by itself: `TOKEN_EXPIRED`, `AUTH_FAILED`, `UNUSED`; empty otherwise. */
  ended: string;
  /** Failed sign-ins under this name before the one that succeeded here; null when there were none, or once dismissed. */
  failedSignIns: FailedSignIns | null;
  dismissFailedSignIns(): void;
  /** Throws an {@link ApiError}. */
  signIn(username: string, password: string, own?: boolean): Promise<void>;
  /** Makes an account and signs in with it. Throws an {@link ApiError}. */
  register(account: { username: string; realName: string; password: string }): Promise<void>;
  /** Sets a new password; every other sign-in ends, this one goes on. Throws an {@link ApiError}. */
  changePassword(current: string, next: string): Promise<void>;
  /** Ends every other sign-in of the person. Throws an {@link ApiError}. */
  signOutEverywhere(): Promise<void>;
  /** The person's own profile as it now is. */
  keepUser(user: User): void;
  /** Ends the token and clears what was stored on this device. */
  signOut(): Promise<void>;
}

type FailedSignIns = NonNullable<SignedIn["failedSignIns"]>;

const EXPIRY_EVERY_MS = 30_000;

const Context = createContext<Account | null>(null);

export function useAccount(): Account {
  const account = useContext(Context);
  if (!account) throw new Error("useAccount outside of AccountProvider");
  return account;
}

export function AccountProvider({ children }: { children: ReactNode }) {
  const [found] = useState(foundAccount);
  const [signed, setSigned] = useState<Kept | null>(found.signed);
  const [doubted, setDoubted] = useState(found.doubted);
  const [client, setClient] = useState<ChatClient | null>(null);
  const [ended, setEnded] = useState(found.ended);
  const [failedSignIns, setFailedSignIns] = useState<FailedSignIns | null>(null);
  const end = useRef<(code: string) => void>(() => {});
  // While a token is exchanged the old one ends, and its socket says so: that is no end of this sign-in.
  const renewing = useRef(false);

  const api = useMemo(() => new Api({ base: BASE, language, onSignedOut: (code) => end.current(code) }), []);
  // Set while drawing, not in an effect: the pages below make their first calls in effects that run before ours.
  api.token = (signed ?? doubted)?.token ?? "";

  end.current = useCallback((code: string) => {
    if (renewing.current) return;
    // The token ended by itself. What was typed and not sent stays for the same person's next sign-in.
    forgetAccount();
    forgetLinks();
    setSigned(null);
    setDoubted(null);
    setEnded(code);
  }, []);

  // By this device's clock the sign-in is over. Its clock may be wrong: the service decides.
  useEffect(() => {
    if (!doubted) return;
    api.call("GET", "/api/auth/me").then(
      () => {
        setDoubted(null);
        setSigned(doubted);
      },
      () => end.current("TOKEN_EXPIRED"),
    );
  }, [api, doubted]);

  useEffect(() => {
    if (!signed) return;
    const endStation = watchStation(signed, () => {
      // The service ends the token, too, if it can be reached.
      void api.call("POST", "/api/auth/logout").catch(() => {});
      end.current("UNUSED");
    });
    // Without a connection nobody tells that the sign-in is over.
    const timer = setInterval(() => {
      if (!seemsExpired(signed)) return;
      api.call("GET", "/api/auth/me").catch(() => {
        if (seemsExpired(signed)) end.current("TOKEN_EXPIRED");
      });
    }, EXPIRY_EVERY_MS);
    return () => {
      endStation();
      clearInterval(timer);
    };
  }, [api, signed]);

  useEffect(() => {
    if (!signed) return;
    const vault = vaultOf(signed, api);
    const lastWords = new LastWords(signed.user._id, vault);
    const made = new ChatClient({
      api,
      user: signed.user,
      transport: browserTransport(signed.token, BASE),
      storage: browserStorage(signed.user._id, vault),
      attachments: browserAttachments,
      tabs: browserTabs(signed.user._id),
      onSignedOut: (code) => end.current(code),
    });
    setClient(made);
    void lastWords.take().then((drafts) => made.drafts.restore(drafts));
    made.start();
    // The last keystrokes before the page goes.
    const going = () => {
      lastWords.keep(made.drafts.unwritten());
      void made.drafts.flush();
    };
    // Files that are too many for the browser's database would be lost: it asks.
    const asking = (event: BeforeUnloadEvent) => {
      if (made.attachments.unkept) event.preventDefault();
    };
    window.addEventListener("pagehide", going);
    window.addEventListener("beforeunload", asking);
    return () => {
      window.removeEventListener("pagehide", going);
      window.removeEventListener("beforeunload", asking);
      made.stop();
      setClient(null);
    };
  }, [api, signed]);

  // The user signed out, or another one signed in, in another tab: this one follows.
  useEffect(
    () =>
      watchAccount(() => {
        const kept = foundAccount().signed;
        if (!kept) forgetLinks();
        setSigned((before) => (before?.token === kept?.token ? before : kept));
      }),
    [],
  );

  /** Who was here before, on this page; another person does not begin where they left. */
  const before = useRef(signed?.user._id);
  const begin = useCallback((answer: Kept) => {
    const { user } = answer;
    if (before.current && before.current !== user._id) window.location.hash = "#/";
    before.current = user._id;
    keepAccount(answer);
    markUsed();
    setEnded("");
    setSigned(answer);
  }, []);

  const signIn = useCallback(
    async (username: string, password: string, own = false) => {
      const { failedSignIns: failed, ...answer } = await api.call<SignedIn>("POST", "/api/auth/login", { body: { username, password } });
      setFailedSignIns(failed ?? null);
      begin({ ...answer, own });
    },
    [api, begin],
  );

  const register = useCallback(
    async (made: { username: string; realName: string; password: string }) => {
      begin(await api.call<SignedIn>("POST", "/api/auth/register", { body: made }));
    },
    [api, begin],
  );

  /** The same person with a fresh token; what hangs on the old one begins anew. */
  const renew = useCallback((fresh: Pick<SignedIn, "token" | "expiresAt">, about: Partial<User> = {}) => {
    setSigned((before) => {
      if (!before) return before;
      const after = { ...before, token: fresh.token, expiresAt: fresh.expiresAt, user: { ...before.user, ...about } };
      keepAccount(after);
      return after;
    });
  }, []);

  const changePassword = useCallback(
    async (current: string, next: string) => {
      renewing.current = true;
      try {
        const fresh = await api.call<SignedIn>("PUT", "/api/auth/password", { body: { current, next } });
        renew(fresh, { mustChangePassword: false });
      } finally {
        renewing.current = false;
      }
    },
    [api, renew],
  );
  const signOutEverywhere = useCallback(async () => {
    renewing.current = true;
    try {
      renew(await api.call<SignedIn>("DELETE", "/api/auth/sessions", { query: { keep: "current" } }));
    } finally {
      renewing.current = false;
    }
  }, [api, renew]);
  const keepUser = useCallback((user: User) => {
    setSigned((before) => {
      if (!before) return before;
      // The same object stays the person: what depends on the sign-in does not begin anew.
      Object.assign(before.user, user);
      keepAccount(before);
      return before;
    });
  }, []);

  const dismissFailedSignIns = useCallback(() => setFailedSignIns(null), []);
  const signOut = useCallback(async () => {
    const leaving = signed?.user._id;
    try {
      await api.call("POST", "/api/auth/logout");
    } catch (problem) {
      // Without the service the token cannot be ended, but this device forgets it all the same.
      if (!(problem instanceof ApiError)) throw problem;
    }
    forgetAccount();
    forgetLinks();
    setEnded("");
    setSigned(null);
    if (leaving) await dropStorage(leaving);
  }, [api, signed]);

  const organisation = useMemo(() => organisationOf(signed), [signed]);
  const acts = useMemo(
    () => ({ signIn, register, changePassword, signOutEverywhere, keepUser, signOut, dismissFailedSignIns }),
    [signIn, register, changePassword, signOutEverywhere, keepUser, signOut, dismissFailedSignIns],
  );
  const account = useMemo<Account>(
    () => ({ api, user: signed?.user ?? null, organisation, client, ended, failedSignIns, ...acts }),
    [api, signed, organisation, client, ended, failedSignIns, acts],
  );
  return <Context value={account}>{doubted ? <Waiting /> : children}</Context>;
}

/** Who is signed in in this browser: surely, or if the service says so; or why they no longer are. */
function foundAccount(): { signed: Kept | null; doubted: Kept | null; ended: string } {
  const kept = keptAccount();
  if (!kept) return { signed: null, doubted: null, ended: "" };
  if (stoodUnused(kept)) {
    forgetAccount();
    return { signed: null, doubted: null, ended: "UNUSED" };
  }
  return seemsExpired(kept) ? { signed: null, doubted: kept, ended: "" } : { signed: kept, doubted: null, ended: "" };
}

/** What opens the person's storage here. A new tab of a station that is nobody's own has to ask the service for it. */
async function vaultOf(signed: Kept, api: Api): Promise<Vault | null> {
  for (let wait = 500; ; wait = Math.min(wait * 2, 30_000)) {
    if (signed.storageKey) return Vault.from(signed.storageKey);
    try {
      const { storageKey } = await api.call<{ storageKey?: string }>("GET", "/api/auth/me");
      if (!storageKey) return null;
      keepAccount({ ...signed, storageKey });
      return await Vault.from(storageKey);
    } catch (problem) {
      if (!(problem instanceof ApiError) || problem.code !== "NETWORK" || api.token !== signed.token) return null;
      await new Promise((resume) => setTimeout(resume, wait));
    }
  }
}
