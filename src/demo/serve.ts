import { parseArgs } from "node:util";
import { startEmbeddedServer } from "./embedded-server.ts";
import { closeServices, DEMO_PORTS, startServices } from "./services.ts";

export interface ServeOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Takes the address, once the server listens. */
  readonly write: (line: string) => void;
}

/**
 * Serves the embedded MCP server until SIGINT or SIGTERM, so that other programs can be pointed at it:
 *
 *     node dist/src/demo/serve.js --port 7788
 *     MCP_SERVER_URL=http://127.0.0.1:7788/mcp ccos run examples/github.rtfs
 */
export async function serveEmbedded({ port, write }: ServeOptions): Promise<void> {
  const server = await startEmbeddedServer({ port });
  const stopped = untilStopped();
  write(server.url);
  await stopped;
  await server.close();
}

/**
 * The same for all services of the demo, at the ports that the files in `capabilities/demo` name: those work then as they are.
 *
 *     node dist/src/demo/serve.js --all
 *     ccos run examples/tour.rtfs --capabilities capabilities/demo
 */
export async function serveAll(write: (line: string) => void, ports = DEMO_PORTS): Promise<void> {
  const services = await startServices(ports);
  const stopped = untilStopped();
  for (const { url, about } of services) write(`${url}  ${about}`);
  await stopped;
  await closeServices(services);
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
  });
}

if (import.meta.main) {
  const write = (line: string): void => console.log(line);
  try {
    const { values } = parseArgs({
      options: { port: { type: "string", default: "7788" }, all: { type: "boolean", default: false } },
    });
    if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port takes a number, not ${JSON.stringify(values.port)}.`);
    await (values.all ? serveAll(write) : serveEmbedded({ port: Number(values.port), write }));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
