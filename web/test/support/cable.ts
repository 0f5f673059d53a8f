// The network between a client and the service, as something that a test can cut: a TCP proxy that drops its connections,
// refuses new ones, or lets bytes through in one direction only.
import { connect, createServer, type Server, type Socket } from "node:net";

export class Cable {
  private readonly pairs = new Set<[Socket, Socket]>();
  private refusing = false;
  private deaf = false;

  private constructor(
    private readonly server: Server,
    /** What a client connects to instead of the service. */
    readonly url: string,
  ) {}

  static async to(service: string): Promise<Cable> {
    const { hostname, port } = new URL(service);
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const address = server.address();
    if (!address || typeof address !== "object") throw new Error("no port");
    const cable = new Cable(server, `http://127.0.0.1:${address.port}`);
    server.on("connection", (near) => cable.join(near, connect(Number(port), hostname)));
    return cable;
  }

  /** Drops every connection; new ones are taken. */
  cut(): void {
    for (const [near, far] of this.pairs) {
      near.destroy();
      far.destroy();
    }
    this.pairs.clear();
  }

  /** Drops every connection and takes no new one until {@link mend}. */
  pull(): void {
    this.refusing = true;
    this.cut();
  }

  /** What the client says arrives; what the service answers does not, and nobody is told. */
  deafen(): void {
    this.deaf = true;
  }

  /** As new. Connections that lost bytes are dropped. */
  mend(): void {
    this.refusing = false;
    if (this.deaf) {
      this.deaf = false;
      this.cut();
    }
  }

  async close(): Promise<void> {
    this.pull();
    await new Promise((closed) => this.server.close(closed));
  }

  private join(near: Socket, far: Socket): void {
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    if (this.refusing) {
      near.destroy();
      far.destroy();
      return;
    }
    const pair: [Socket, Socket] = [near, far];
    this.pairs.add(pair);
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => {
      if (!this.deaf) near.write(bytes);
    });
    const over = () => {
      this.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on("close", over);
    far.on("close", over);
  }
}
