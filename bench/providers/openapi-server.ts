/** The cheapest HTTP service there can be, in a process of its own, so that what is measured is the client. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const padding = ".".repeat(200);

const server = createServer((request, response) => {
  const key = request.url?.split("/").at(-1) ?? "";
  const body = JSON.stringify({ key, padding });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on("disconnect", () => process.exit());
