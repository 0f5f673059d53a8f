// One socket's life, and nothing of what is said over it. The rest of the core sees only this interface.
import { io } from "socket.io-client";
import { ApiError, failure } from "./api";
import type { Acknowledgements, ClientEvents } from "./wire";

export interface LinkListener {
  opened(): void;
  /** It was open, or might have become so, and no longer will. */
  lost(): void;
  /** The handshake was refused with this code. */
  refused(code: string): void;
  event(name: string, payload: unknown): void;
}

export interface Link {
  /** Emits and waits for the success. Throws an {@link ApiError}; its code is `NETWORK` when no answer came in time. */
  ask<E extends keyof ClientEvents & keyof Acknowledgements>(
    event: E,
    payload: unknown,
    timeout: number,
  ): Promise<Acknowledgements[E]>;
  /** Emits what nobody waits for. */
  tell(event: keyof ClientEvents, payload: unknown): void;
  close(): void;
}

export type Transport = (listener: LinkListener) => Link;

const OPEN_WITHIN_MS = 10_000;

export interface SocketOptions {
  /** The service's address; absent for the page's own origin. */
  url?: string;
  token: string;
  /** The prefix below which the service lies; empty for none. */
  base?: string;
}

/** Links over socket.io-client. Its own reconnection is off: the state machine decides when to try again. */
export function socketTransport({ url, token, base = "" }: SocketOptions): Transport {
  return (listener) => {
    const options = {
      auth: { token, acks: true },
      path: `${base}/socket.io/`,
      reconnection: false,
      forceNew: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      timeout: OPEN_WITHIN_MS,
    };
    const socket = url === undefined ? io(options) : io(url, options);
    let over = false;
    const end = (say: () => void) => {
      if (over) return;
      over = true;
      say();
    };
    socket.on("connect", () => listener.opened());
    socket.on("disconnect", () => end(() => listener.lost()));
    socket.on("connect_error", (problem) => {
      // A refusal of ours names a code; a network's trouble is a sentence.
      const refused = /^[A-Z_]+$/.test(problem.message);
      end(() => (refused ? listener.refused(problem.message) : listener.lost()));
      socket.close();
    });
    socket.onAny((name: string, payload: unknown, acknowledge?: unknown) => {
      if (over) return;
      listener.event(name, payload);
      // Only now is the message here, and the sender may be told that it was delivered.
      if (typeof acknowledge === "function") acknowledge({ success: true });
    });
    return {
      async ask(event, payload, timeout) {
        if (over || !socket.connected) throw lost();
        let answer: unknown;
        try {
          answer = await socket.timeout(timeout).emitWithAck(event, payload);
        } catch {
          throw lost();
        }
        const refused = !Array.isArray(answer) && (answer as { success?: boolean } | null)?.success !== true;
        if (refused) throw failure(answer);
        return answer as never;
      },
      tell(event, payload) {
        if (!over && socket.connected) socket.emit(event, payload);
      },
      close() {
        over = true;
        socket.close();
      },
    };
  };
}

const lost = () => new ApiError("NETWORK", "network", 0);

/** Links to the page's own origin, below the prefix that the page itself has. */
export const browserTransport = (token: string, base: string): Transport => socketTransport({ token, base });
