// Who is signed in: the token, the person, and the chat client that lives as long as they do.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { AttachmentStore } from "./attachments";
import { Api, ApiError, type SignedIn, type User } from "../core/api";
import { ChatClient } from "../core/client";
import { browserTransport } from "../core/transport";
import { language } from "../i18n";
import { browserStorage, dropStorage, keepLastWords, takeLastWords } from "./browser-storage";
import { forgetLinks } from "./files";
import { forgetAccount, keepAccount, keptAccount, watchAccount } from "./kept-account";

export interface Account {
  /** REST with the person's token and language. */
  api: Api;
  /** Null on the sign-in page. */
  user: User | null;
  /** What is attached and not sent. */
  attachments: AttachmentStore;
  /** The chat's core; null until somebody is signed in. */
  client: ChatClient | null;
  /** Why the last one ended by itself: `TOKEN_EXPIRED`, `AUTH_FAILED`; empty otherwise. */
  ended: string;
  /** Throws an {@link ApiError}. */
  signIn(username: string, password: string): Promise<void>;
  /** Ends the token and clears what was stored on this device. */
  signOut(): Promise<void>;
}

const Context = createContext<Account | null>(null);

export function useAccount(): Account {
  const account = useContext(Context);
  if (!account) throw new Error("useAccount outside of AccountProvider");
  return account;
}

export function AccountProvider({ children }: { children: ReactNode }) {
  const [signed, setSigned] = useState<SignedIn | null>(keptAccount);
  const [client, setClient] = useState<ChatClient | null>(null);
  const [ended, setEnded] = useState("");
  const end = useRef<(code: string) => void>(() => {});

  const api = useMemo(() => new Api({ language, onSignedOut: (code) => end.current(code) }), []);
  const attachments = useMemo(() => new AttachmentStore(api), [api]);
  // Set while drawing, not in an effect: the pages below make their first calls in effects that run before ours.
  api.token = signed?.token ?? "";

  end.current = useCallback((code: string) => {
    // The token ended by itself. What was typed and not sent stays for the same person's next sign-in.
    forgetAccount();
    setSigned(null);
    setEnded(code);
  }, []);

  useEffect(() => {
    if (!signed) return;
    const made = new ChatClient({
      api,
      user: signed.user,
      transport: browserTransport(signed.token),
      storage: browserStorage(signed.user._id),
      onSignedOut: (code) => end.current(code),
    });
    setClient(made);
    for (const [sessionId, text] of takeLastWords(signed.user._id)) made.drafts.set(sessionId, text);
    made.start();
    // The last keystrokes before the page goes.
    const going = () => {
      keepLastWords(signed.user._id, made.drafts.unwritten());
      void made.drafts.flush();
    };
    window.addEventListener("pagehide", going);
    return () => {
      window.removeEventListener("pagehide", going);
      made.stop();
      attachments.close();
      setClient(null);
    };
  }, [api, attachments, signed]);

  // Signed out, or somebody else signed in, in another tab: this one follows.
  useEffect(
    () =>
      watchAccount(() => {
        const kept = keptAccount();
        setSigned((before) => (before?.token === kept?.token ? before : kept));
      }),
    [],
  );

  const signIn = useCallback(
    async (username: string, password: string) => {
      const answer = await api.call<SignedIn>("POST", "/api/auth/login", { body: { username, password } });
      keepAccount(answer);
      setEnded("");
      setSigned(answer);
    },
    [api],
  );

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

  const account = useMemo<Account>(
    () => ({ api, user: signed?.user ?? null, attachments, client, ended, signIn, signOut }),
    [api, signed, attachments, client, ended, signIn, signOut],
  );
  return <Context value={account}>{children}</Context>;
}
