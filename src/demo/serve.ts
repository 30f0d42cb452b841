import { parseArgs } from "node:util";
import { startEmbeddedServer } from "./embedded-server.ts";

/**
 * Serves the embedded server until SIGINT or SIGTERM, so that other programs can be pointed at it:
 *
 *     node src/demo/serve.ts --port 7788
 */
export async function serveEmbedded(options: { readonly port: number; readonly write: (line: string) => void }): Promise<void> {
  const server = await startEmbeddedServer({ port: options.port });
  options.write(server.url);
  await new Promise<void>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
  });
  await server.close();
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "7788" } } });
  await serveEmbedded({ port: Number(values.port), write: (line) => console.log(line) });
}
