import { once } from "node:events";
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { CcosError } from "ccos";
import type { SessionHandler } from "ccos/session";

const LONGEST_LINE = 1_000_000;
type Line = { socket: Socket; id: string; calls: number; waiting: Map<string, PromiseWithResolvers<string[]>> };

/** Sends a line and waits for the answer with the same number, however many others are on their way. */
function ask({ socket, waiting }: Line, n: string, line: string, signal: AbortSignal): Promise<string[]> {
  const answer = Promise.withResolvers<string[]>();
  waiting.set(n, answer);
  signal.addEventListener("abort", () => answer.reject(signal.reason), { once: true });
  socket.write(`${line}\n`);
  return answer.promise.finally(() => waiting.delete(n));
}

export const handler: SessionHandler<Line> = {
  provider: "line",
  target({ id, metadata }, context) {
    const { line_host: host = "127.0.0.1", line_port: port, line_auth_env_var: credentialSource } = metadata;
    if (port === undefined) throw new CcosError("invalid-argument", `${id} names no :port in its :line block.`);
    const endpoint = `tcp://${host}:${port}`;
    const token = credentialSource && context.secret(credentialSource, { origin: endpoint })?.trim();
    const credentials = { ...(token && { token }) };
    return { endpoint, credentials, credentialSource, shape: {}, operation: id, settings: { host, port: +port } };
  },
  async initializeSession({ endpoint, credentials, credentialSource, settings }, context) {
    const socket = connect({ ...(settings as TcpNetConnectOpts), signal: context.signal });
    const line: Line = { socket, id: "", calls: 0, waiting: new Map() };
    let rest = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) socket.destroy(new CcosError("protocol-error", "The answer has no end."));
      for (const [, word = "", n = "", text = ""] of lines.map((given) => /^(\w+) (\S+) ?(.*)$/.exec(given) ?? []))
        (line.waiting.get(n) ?? line.waiting.get("HELLO"))?.resolve([word, n, text]);
    });
    const end = (error: Error) => (context.lost(error.message), line.waiting.forEach(({ reject }) => reject(error)));
    socket.on("error", end).on("close", () => end(new Error("The connection was closed.")));
    const [word, id = ""] = await ask(line, "HELLO", `HELLO ${credentials.token ?? ""}`, context.signal);
    if (word === "SESSION") return { state: Object.assign(line, { id }), secrets: [id] };
    socket.destroy();
    throw new CcosError("unauthenticated", `${endpoint} refused the token.`, { remedy: `Check ${credentialSource}.` });
  },
  async executeWithSession({ state: line }, call) {
    if (!line.socket.writable) throw new CcosError("session-lost", "The connection was closed.");
    const n = String(++line.calls);
    const request = `CALL ${line.id} ${n} ${JSON.stringify(call.input)}`;
    call.sent();
    const [word, , text = ""] = await ask(line, n, request, call.signal);
    if (word === "LOST") throw new CcosError("session-lost", "The peer has forgotten the session.");
    if (word !== "OK") throw new CcosError("rejected", `The peer says: ${text}`);
    return Promise.try(() => JSON.parse(text)).catch(() => Promise.reject(new CcosError("protocol-error", "No JSON.")));
  },
  async terminateSession({ state: { socket, id }, lost }, { signal }) {
    if (!lost && socket.writable) await once(socket.end(`BYE ${id}\n`), "close", { signal }).catch(() => {});
    socket.destroy();
  },
};
