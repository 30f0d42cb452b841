import type { Socket } from "node:net";
import { REJECTION, type HandlerPeer, type HandlerRig, type PeerFault } from "ccos/testing";
import { handler } from "./line-handler.ts";
import { startLineServer, type LineServer, type LineServerOptions } from "./line-server.ts";

/** Joins the line provider to the suite: how to start a peer, and what this protocol has and has not. */
export const lineRig: HandlerRig = {
  createHandler: () => handler,
  startPeer: async () => {
    const peer = new LinePeer();
    await peer.start();
    return peer;
  },
  losses: { "the peer says LOST": "silent", "the connection ends": "noticed" },
  without: {
    throttled: "a peer of this protocol never says that it is too busy",
    cancel: "a call that was sent cannot be taken back",
  },
};

class LinePeer implements HandlerPeer {
  readonly env: Record<string, string> = { LINE_TOKEN: "token-of-alice" };
  readonly credential = { variable: "LINE_TOKEN", other: "token-of-bob" };
  readonly canceled = 0;
  block = {};
  opened = 0;
  readonly #executed: unknown[] = [];
  readonly #held: (() => void)[] = [];
  #server: LineServer | undefined;
  #port = 0;
  #holds = false;

  input = (text: string): string => text;
  output = (text: string): string => text;
  ran = (text: string): number => this.#executed.filter((input) => input === text).length;

  get sessions(): number {
    return this.#server?.sessions.size ?? 0;
  }
  get connections(): number {
    return this.#server?.sockets.size ?? 0;
  }
  get held(): number {
    return this.#held.length;
  }

  async start(): Promise<void> {
    const run: LineServerOptions["run"] = async (input) => {
      if (this.#holds) await new Promise<void>((resolve) => this.#held.push(resolve));
      this.#executed.push(input);
      return input;
    };
    this.#server = await startLineServer({ port: this.#port, tokens: ["token-of-alice", "token-of-bob"], run });
    this.#port = this.#server.port;
    this.block = { port: this.#port, auth_env_var: "LINE_TOKEN" };
    this.heal();
  }

  dial(fault: PeerFault, times = Infinity): void {
    this.#intercept((line, socket) => {
      const [word = "", , n = "", text = ""] = line.split(" ");
      const atOpen = fault === "unauthenticated" || fault === "hangs-opening";
      if (word !== (atOpen ? "HELLO" : "CALL") || times-- <= 0) return false;
      if (fault === "unauthenticated") socket.write("DENIED token\n");
      if (fault === "rejected") socket.write(`ERR ${n} ${REJECTION}\n`);
      if (fault === "cut" || fault === "malformed" || fault === "oversize") this.#executed.push(JSON.parse(text));
      if (fault === "cut") socket.destroy();
      if (fault === "malformed") socket.write(`OK ${n} {"half\n`);
      if (fault === "oversize") socket.write(`OK ${n} "${"x".repeat(3_000_000)}"\n`);
      return true;
    });
  }

  heal(): void {
    this.#intercept(() => false);
  }

  #intercept(look: (line: string, socket: Socket) => boolean): void {
    if (this.#server === undefined) return;
    this.#server.intercept = (line, socket) => {
      const handled = look(line, socket);
      if (line.startsWith("HELLO") && !handled) this.opened++;
      return handled;
    };
  }

  hold(): () => void {
    this.#holds = true;
    return () => {
      this.#holds = false;
      for (const release of this.#held.splice(0).reverse()) release();
    };
  }

  lose(loss: string): void {
    if (loss === "the connection ends") for (const socket of this.#server?.sockets ?? []) socket.destroy();
    this.#server?.sessions.clear();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.stop();
}
