import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment } from "../../src/index.ts";
import { importGrpc } from "../../src/importers/index.ts";

const installed = spawnSync("etcd", ["--version"]).status === 0;
const PROTOS = join(import.meta.dirname, "protos");

const text = (words: string): string => Buffer.from(words).toString("base64");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe.skipIf(!installed)("etcd (needs the Debian package etcd-server)", () => {
  let etcd: ChildProcess;
  let env: CCOSEnvironment;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ccos-etcd-"));
    const [clients, peers] = [await freePort(), await freePort()];
    const [here, there] = [`http://127.0.0.1:${clients}`, `http://127.0.0.1:${peers}`];
    etcd = spawn(
      "etcd",
      [
        ["--data-dir", join(folder, "data"), "--listen-client-urls", here, "--advertise-client-urls", here],
        ["--listen-peer-urls", there, "--initial-advertise-peer-urls", there, "--initial-cluster", `default=${there}`],
      ].flat(),
      { stdio: "ignore" },
    );
    const out = join(folder, "capabilities");
    const imported = await importGrpc({
      source: join(PROTOS, "etcd", "rpc.proto"),
      protoPath: [PROTOS],
      target: `127.0.0.1:${clients}`,
      out,
      prefix: "etcd",
    });
    expect(imported.capabilities).toEqual(["etcd.KV.Range", "etcd.KV.Put", "etcd.KV.DeleteRange", "etcd.Watch.Watch"]);
    env = await createEnvironment({ capabilities: [out] });
    // It takes a moment to listen, and another to elect itself.
    const end = performance.now() + 20_000;
    while (
      !(await env.call("etcd.KV.Range", { key: text("a") }).then(
        () => true,
        () => false,
      ))
    ) {
      if (performance.now() > end) throw new Error("etcd did not come up.");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }, 30_000);

  afterAll(async () => {
    await env?.close();
    etcd?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  test("what is put is found, with 64-bit revisions as numbers and bytes as base64", async () => {
    const put = (await env.call("etcd.KV.Put", { key: text("greeting"), value: text("hello") })) as {
      header: { revision: number; clusterId: number | bigint };
    };
    expect(put.header.revision).toBeGreaterThan(1);
    expect(put.header.clusterId).toBeTypeOf("bigint");
    const found = await env.call("etcd.KV.Range", { key: text("greeting") });
    expect(found).toMatchObject({
      more: false,
      count: 1,
      kvs: [{ key: text("greeting"), value: text("hello"), version: 1, lease: 0 }],
    });
  });

  test("a watch, which is a stream in both directions, tells of changes while they come", async () => {
    const watching = env.stream("etcd.Watch.Watch", {
      messages: [{ createRequest: { key: text("watched"), prevKv: true } }],
    });
    const next = async (): Promise<unknown> => {
      const { value } = await watching.next();
      return (value as { value: unknown }).value;
    };
    expect(await next()).toMatchObject({ created: true, events: [] });
    await env.call("etcd.KV.Put", { key: text("watched"), value: text("1") });
    expect(await next()).toMatchObject({ events: [{ type: "PUT", kv: { value: text("1") } }] });
    await env.call("etcd.KV.DeleteRange", { key: text("watched") });
    expect(await next()).toMatchObject({ events: [{ type: "DELETE", prevKv: { value: text("1") } }] });
    await watching.return();
    expect(env.sessions.list().reduce((sum, { active }) => sum + active, 0)).toBe(0);
  });

  test("an error is told in etcd's words", async () => {
    await expect(env.call("etcd.KV.Put", { value: text("no key") })).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("key is not provided"),
      details: { status: "INVALID_ARGUMENT" },
    });
  });

  test("all of it goes over one connection", async () => {
    await env.call("etcd.KV.Range", { key: text("a") });
    expect(env.sessions.list()).toHaveLength(1);
  });
});
