import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { systemClock } from "../kernel/index.ts";
import { withFileLock } from "./file-lock.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ccos-lock-"));
  file = join(folder, "one.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const clock = systemClock;

describe("a lock file", () => {
  test("lets one in at a time, and leaves nothing behind", async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withFileLock(file, { clock }, work)));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  test("is given back when the work fails, and gives the failure", async () => {
    await expect(withFileLock(file, { clock }, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await withFileLock(file, { clock }, () => Promise.resolve("next"))).toBe("next");
  });

  test("can be read by nobody else", async () => {
    await withFileLock(file, { clock }, async () => expect((await stat(file)).mode & 0o777).toBe(0o600));
  });

  test("of a process that is gone is taken over", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", "0"]);
    await writeFile(file, JSON.stringify({ token: "x", pid, host: hostname() }));
    expect(await withFileLock(file, { clock, waitMs: 500 }, () => Promise.resolve("taken"))).toBe("taken");
  });

  test("that is older than anything takes is taken over, whoever wrote it", async () => {
    await writeFile(file, "no mark at all");
    const old = new Date(Date.now() - 61_000);
    await utimes(file, old, old);
    expect(await withFileLock(file, { clock, waitMs: 500 }, () => Promise.resolve("taken"))).toBe("taken");
  });

  test.each([
    ["a process that lives", JSON.stringify({ token: "x", pid: process.pid, host: hostname() })],
    ["another machine", JSON.stringify({ token: "x", pid: 1, host: "elsewhere" })],
    ["somebody who is still writing", ""],
  ])("of %s is waited for, and not for ever", async (_who, mark) => {
    await writeFile(file, mark);
    await expect(withFileLock(file, { clock, waitMs: 60 }, () => Promise.resolve())).rejects.toThrow(
      expect.objectContaining({ code: "unavailable" }),
    );
    expect(await readdir(folder)).toEqual(["one.lock"]);
  });

  test("that was taken over meanwhile is not removed", async () => {
    await withFileLock(file, { clock }, () => writeFile(file, "somebody else's"));
    expect(await readdir(folder)).toEqual(["one.lock"]);
  });
});
