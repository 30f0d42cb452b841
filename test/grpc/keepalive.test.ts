import { connect as dial, createServer, type AddressInfo, type Socket } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { connect, disconnect, isConnected } from "../../src/providers/grpc/connect.ts";
import { readTarget, type GrpcSettings } from "../../src/providers/grpc/target.ts";
import { capabilityOf } from "../../testing/index.ts";
import { startShop } from "./shop-server.ts";

test("a peer that has vanished without a word is found by keep-alive", async () => {
  const shop = await startShop();
  onTestFinished(() => shop[Symbol.asyncDispose]());
  const [host = "", port] = shop.target.split(":");
  const sockets: Socket[] = [];
  const wire = createServer((near) => {
    const far = dial(Number(port), host);
    near
      .on("error", () => {})
      .pipe(far.on("error", () => {}))
      .pipe(near);
    sockets.push(near, far);
  });
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    wire.close();
  });
  const capability = capabilityOf("grpc", {
    target: `127.0.0.1:${(wire.address() as AddressInfo).port}`,
    service: "shop.v1.Shop",
    method: "Echo",
  });
  const target = readTarget(capability, {
    variable: () => undefined,
    secret: () => undefined,
    authorizeEndpoint: () => {},
    authorizeCommand: () => {},
    endpointSettings: () => ({}),
  });
  // Sooner than a capability may ask for, so that nobody waits.
  const keepalive = { timeMs: 50, timeoutMs: 50, withoutCalls: true };
  const settings: GrpcSettings = { ...(target.settings as GrpcSettings), keepalive };
  const lost: string[] = [];
  const connection = await connect(settings, {
    metadata: {},
    signal: new AbortController().signal,
    lost: (reason) => lost.push(reason),
  });
  onTestFinished(() => disconnect(connection));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect([isConnected(connection), lost]).toEqual([true, []]);
  // The cable is pulled.
  for (const socket of sockets) socket.unpipe().pause();
  await expect.poll(() => lost).toEqual(["The connection has ended."]);
  expect(isConnected(connection)).toBe(false);
});
