import { randomUUID } from "node:crypto";
import { createServer, type Socket } from "node:net";

export interface LineServer {
  readonly port: number;
  /** Sessions by id, with the number of calls that each has served. */
  readonly sessions: Map<string, number>;
  readonly sockets: ReadonlySet<Socket>;
  /** Sees every line first; true means that it has dealt with it. */
  intercept: ((line: string, socket: Socket) => boolean) | undefined;
  close(): Promise<void>;
}

export interface LineServerOptions {
  /** Default 0: any that is free. */
  readonly port?: number;
  /** The tokens it lets in; default: any. */
  readonly tokens?: readonly string[];
  /** Runs a call, whose text is JSON; what it throws is answered as ERR. Default: the same in capitals. */
  readonly run?: (input: unknown) => unknown;
}

/** A server of the line protocol on the loopback interface. */
export async function startLineServer(options: LineServerOptions = {}): Promise<LineServer> {
  const { port = 0, tokens, run = (input) => String(input).toUpperCase() } = options;
  const sessions = new Map<string, number>();
  const sockets = new Set<Socket>();

  const answer = async (line: string, socket: Socket): Promise<void> => {
    const [, word = "", first = "", n = "", text = ""] = /^(\w+) ?(\S*) ?(\S*) ?(.*)$/.exec(line) ?? [];
    const say = (reply: string): void => void (socket.writable && socket.write(`${reply}\n`));
    if (word === "HELLO") {
      if (tokens !== undefined && !tokens.includes(first)) return say("DENIED token");
      const id = randomUUID();
      sessions.set(id, 0);
      socket.on("close", () => sessions.delete(id));
      say(`SESSION ${id}`);
    } else if (word === "BYE") {
      sessions.delete(first);
      socket.end();
    } else if (word === "CALL") {
      const calls = sessions.get(first);
      if (calls === undefined) return say(`LOST ${n}`);
      sessions.set(first, calls + 1);
      try {
        say(`OK ${n} ${JSON.stringify(await run(JSON.parse(text)))}`);
      } catch (error) {
        say(`ERR ${n} ${(error as Error).message}`);
      }
    }
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    let rest = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (handle.intercept?.(line, socket) !== true) void answer(line, socket);
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const handle: LineServer = {
    port: (server.address() as { port: number }).port,
    sessions,
    sockets,
    intercept: undefined,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return handle;
}

if (import.meta.main) {
  const { port } = await startLineServer({ port: Number(process.argv[2] ?? 7171) });
  process.stdout.write(`listening on 127.0.0.1:${port}\n`);
}
