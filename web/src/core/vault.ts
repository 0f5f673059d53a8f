// Encrypts what is kept on a device with a key that only its author's sign-in yields: after the sign-in has ended, what waits
// there is readable to nobody else.

export interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

/** Bytes to encrypt with at once, when there is no time to wait: each is used a single time. */
export interface Pad {
  nonce: Uint8Array<ArrayBuffer>;
  stream: Uint8Array<ArrayBuffer>;
}

const PAD_BYTES = 1 << 17;

export class Vault {
  private constructor(
    private readonly sealing: CryptoKey,
    private readonly streaming: CryptoKey,
  ) {}

  /** Null where the browser gives no cryptography (plain http). */
  static async from(secret: string): Promise<Vault | null> {
    const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
    if (!subtle) return null;
    const key = async (purpose: string, algorithm: "AES-GCM" | "AES-CTR") => {
      const bytes = await subtle.digest("SHA-256", new TextEncoder().encode(`${purpose}\n${secret}`));
      return subtle.importKey("raw", bytes, algorithm, false, ["encrypt", "decrypt"]);
    };
    return new Vault(await key("wardline storage", "AES-GCM"), await key("wardline last words", "AES-CTR"));
  }

  async seal(value: unknown): Promise<Sealed> {
    return this.sealBytes(new TextEncoder().encode(JSON.stringify(value)).buffer);
  }

  /** What was sealed; undefined when it was with another key, or is damaged. */
  async open<T>(sealed: Sealed): Promise<T | undefined> {
    const bytes = await this.openBytes(sealed);
    return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as T);
  }

  async sealBytes(bytes: ArrayBuffer): Promise<Sealed> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.sealing, bytes) };
  }

  async openBytes({ iv, data }: Sealed): Promise<ArrayBuffer | undefined> {
    try {
      return await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.sealing, data);
    } catch {
      return undefined;
    }
  }

  /** A pad to encrypt with at once; {@link unpad} reads what was. */
  async pad(): Promise<Pad> {
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    nonce.fill(0, 8);
    return { nonce, stream: await this.stream(nonce, new Uint8Array(PAD_BYTES)) };
  }

  async unpad(nonce: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    return new TextDecoder().decode(await this.stream(nonce, bytes));
  }

  private async stream(counter: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, this.streaming, bytes));
  }
}

/** A text, encrypted with a pad at once; undefined when it is longer than that. */
export function padded(text: string, { stream }: Pad): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > stream.length) return undefined;
  return bytes.map((byte, at) => byte ^ (stream[at] ?? 0));
}
