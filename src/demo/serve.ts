import { parseArgs } from "node:util";
import { startEmbeddedServer } from "./embedded-server.ts";

export interface ServeOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Takes the address, once the server listens. */
  readonly write: (line: string) => void;
}

/**
 * Serves the embedded server until SIGINT or SIGTERM, so that other programs can be pointed at it:
 *
 *     node dist/src/demo/serve.js --port 7788
 *     MCP_SERVER_URL=http://127.0.0.1:7788/mcp ccos run examples/github.rtfs
 */
export async function serveEmbedded({ port, write }: ServeOptions): Promise<void> {
  const server = await startEmbeddedServer({ port });
  const stopped = new Promise<void>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
  });
  write(server.url);
  await stopped;
  await server.close();
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({ options: { port: { type: "string", default: "7788" } } });
    if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port takes a number, not ${JSON.stringify(values.port)}.`);
    await serveEmbedded({ port: Number(values.port), write: (line) => console.log(line) });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
