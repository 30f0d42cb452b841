import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { repository } from "../run-process.ts";

export const everythingBin = join(repository, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");

export interface Everything {
  readonly url: string;
  stop(): Promise<void>;
}

/** The reference server as a process of its own, over Streamable HTTP on a free port. */
export async function startEverything(): Promise<Everything> {
  const port = await freePort();
  const child = spawn(process.execPath, [everythingBin, "streamableHttp"], {
    env: { PATH: process.env["PATH"], PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  await new Promise<void>((resolve, reject) => {
    let told = "";
    child.stderr.on("data", (chunk: Buffer) => {
      told += chunk.toString();
      if (told.includes("listening on port")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`The server did not start: ${told}`)));
  });
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
