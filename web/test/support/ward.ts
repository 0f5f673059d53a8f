// People of the demonstration hospital with the chat's real core, each behind a network of their own.
import { inject } from "vitest";
import { Api, type SignedIn } from "../../src/core/api";
import { ChatClient } from "../../src/core/client";
import { type Clock, systemClock } from "../../src/core/clock";
import type { SessionStore } from "../../src/core/session-store";
import { MemoryStorage, type Storage } from "../../src/core/storage";
import { socketTransport } from "../../src/core/transport";
import type { Message } from "../../src/core/wire";
import { Cable } from "./cable";

const PASSWORD = "wardline-demo";
const HASTE = 0.05;

/** The system's clock in which waiting takes a twentieth: back-offs in a test need not be waited for. */
const hasty: Clock = { ...systemClock, after: (milliseconds, then) => systemClock.after(milliseconds * HASTE, then) };

export interface Device {
  client: ChatClient;
  cable: Cable;
  signed: SignedIn;
  /** Why the core said that the person is signed out; empty while it has not. */
  ended(): string;
}

const open: { stop(): Promise<void> }[] = [];

/** Stops everybody who was signed in. For `afterEach`. */
export async function everybodyLeaves(): Promise<void> {
  for (const one of open.splice(0)) await one.stop();
}

export async function signIn(username: string): Promise<SignedIn> {
  const api = new Api({ base: inject("url") });
  return api.call<SignedIn>("POST", "/api/auth/login", { body: { username, password: PASSWORD } });
}

/** A person's device, connected and synced. With a given storage it is a page that was loaded again. */
export async function device(
  username: string,
  storage: Storage | Promise<Storage> = new MemoryStorage(),
): Promise<Device> {
  const one = await unconnected(username, storage);
  one.client.start();
  await live(one);
  return one;
}

export async function unconnected(username: string, storage: Storage | Promise<Storage>): Promise<Device> {
  const signed = await signIn(username);
  const cable = await Cable.to(inject("url"));
  const api = new Api({ base: cable.url });
  api.token = signed.token;
  let ended = "";
  const client = new ChatClient({
    api,
    user: signed.user,
    transport: socketTransport({ url: cable.url, token: signed.token }),
    storage: Promise.resolve(storage),
    clock: hasty,
    onSignedOut: (code) => {
      ended = code;
    },
  });
  open.push({
    stop: async () => {
      client.stop();
      await cable.close();
    },
  });
  return { client, cable, signed, ended: () => ended };
}

export function live({ client }: Device): Promise<void> {
  return until(() => client.connection.live, "the connection is live");
}

/** Resolves when it is so; fails when it is not within the time. */
export async function until(so: () => boolean, what: string, within = 30_000): Promise<void> {
  const end = Date.now() + within;
  while (!so()) {
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

/** A new group of these people: nothing was said in it. The answer is its id. */
export async function group(owner: Device, ...others: Device[]): Promise<string> {
  const participants = others.map((one) => one.client.me);
  const body = { sessionName: `Test ${Math.random()}`, participants };
  const made = await owner.client.api.call<{ _id: string }>("POST", "/api/chat/sessions/group", { body });
  for (const one of [owner, ...others]) await until(() => known(one, made._id), "everybody knows the group");
  return made._id;
}

const known = (one: Device, id: string) => one.client.sessions.get(id)?.positioned ?? false;

export function store(one: Device, sessionId: string): SessionStore {
  const session = one.client.sessions.get(sessionId);
  if (!session) throw new Error(`${one.signed.user.username} does not know the session`);
  return session;
}

/** Everything the service has of a session, past every cable. */
export async function stored(one: Device, sessionId: string): Promise<Message[]> {
  const api = new Api({ base: inject("url") });
  api.token = one.signed.token;
  const all: Message[] = [];
  for (;;) {
    const query = { afterSeq: all.at(-1)?.seq ?? 0, limit: 100 };
    const answer = await api.page<Message[]>("GET", `/api/chat/messages/${sessionId}`, { query });
    all.push(...answer.data);
    if (answer.data.length < 100) return all;
  }
}

/** Texts that people wrote, by `seq`; without what the group wrote about itself. */
export function texts(messages: readonly Message[]): string[] {
  return messages.filter((one) => !one.system).map((one) => one.content);
}

/** What of a message must not differ between a device that was told and a fresh fetch. Receipts are told apart from it. */
export function essence(message: Message) {
  const { status: _s, readBy: _r, readCount: _rc, deliveredCount: _d, ...rest } = message;
  return JSON.parse(JSON.stringify(rest)) as Omit<Message, "status" | "readBy" | "readCount" | "deliveredCount">;
}
