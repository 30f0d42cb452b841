import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createEnvironment, type CCOSEnvironment } from "../../src/environment.ts";
import type { JsonObject, JsonValue, StreamEvent } from "../../src/kernel/index.ts";
import { repository } from "../run-process.ts";
import { hasChromium, startChromium, type Chromium } from "./chromium.ts";

describe.skipIf(!hasChromium)("Chromium's DevTools protocol (needs the program chromium)", () => {
  let chromium: Chromium;
  let env: CCOSEnvironment;
  let page: { readonly target_id: string; readonly session_id: string };

  const environment = (variables: Record<string, string>): Promise<CCOSEnvironment> =>
    createEnvironment({
      capabilities: [join(repository, "capabilities/devtools")],
      config: {},
      env: variables,
      cwd: repository,
    });
  const openPage = async (url: string): Promise<typeof page> => {
    const target_id = (await env.call("devtools.open_page", { url })) as string;
    const session_id = (await env.call("devtools.attach", { target_id })) as string;
    return { target_id, session_id };
  };
  const evaluate = (expression: string): Promise<JsonValue> =>
    env.call("devtools.evaluate", { session_id: page.session_id, expression });

  beforeAll(async () => {
    chromium = await startChromium();
    env = await environment({ DEVTOOLS_URL: chromium.url });
    page = await openPage("about:blank");
  }, 60_000);
  afterAll(async () => {
    await env?.close();
    await chromium?.[Symbol.asyncDispose]();
  });

  test("commands of the browser and of a page go over one socket", async () => {
    const pages = (await env.call("devtools.get_targets")) as JsonObject[];
    expect(pages.map(({ targetId }) => targetId)).toContain(page.target_id);
    await expect(evaluate("6 * 7")).resolves.toMatchObject({ result: { type: "number", value: 42 } });
    expect(env.sessions.list()).toHaveLength(1);
  });

  test("answers come to whom they belong, in whatever order they come", async () => {
    const waits = [120, 60, 0, 90, 30];
    const done: number[] = [];
    const values = await Promise.all(
      waits.map(async (ms) => {
        const answer = await evaluate(`new Promise((done) => setTimeout(() => done(${ms}), ${ms}))`);
        done.push(ms);
        return answer;
      }),
    );
    expect(values).toEqual(
      waits.map(
        (ms) => expect.objectContaining({ result: expect.objectContaining({ value: ms }) as object }) as object,
      ),
    );
    expect(done).toEqual([0, 30, 60, 90, 120]);
  });

  test("what the browser refuses is told in its words", async () => {
    await expect(env.call("devtools.attach", { target_id: "nobody" })).rejects.toMatchObject({
      code: "rejected",
      message: expect.stringContaining("No target with given id found") as string,
      details: { code: "-32602" },
    });
    await expect(env.call("devtools.evaluate", { session_id: "no-session", expression: "1" })).rejects.toMatchObject({
      code: "rejected",
      details: { code: "-32001" },
    });
  });

  test("the console of a page is a stream, and calls go on beside it", async () => {
    const stream = env.stream("devtools.watch_console", { session_id: page.session_id });
    const texts: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream) {
        const { args } = (event as StreamEvent & { type: "data" }).value as { args: { value: unknown }[] };
        if (texts.push(args[0]?.value) === 3) break;
      }
    })();
    // The console says again what was written before somebody watched, so it may be written at any time.
    await evaluate('["one", "two", "three"].forEach((text) => console.log(text))');
    await reading;
    expect(texts).toEqual(["one", "two", "three"]);
    expect(env.sessions.list().map(({ active }) => active)).toEqual([0]);
  });

  test("events that come before the answer to the subscription are not missed", async () => {
    const stream = env.stream("devtools.watch_targets");
    const first = await stream.next();
    expect(first.value).toMatchObject({ type: "data", value: { targetId: expect.any(String) as string } });
    await stream.return?.();
  });

  test("a browser that is killed is a session lost; another one at another address is met", async () => {
    await using other = await startChromium();
    const variables = { DEVTOOLS_URL: other.url };
    await using own = await environment(variables);
    await own.call("devtools.get_targets");
    const lost = new Promise((resolve) => own.on("sessionLost", resolve));
    await other.kill();
    await lost;
    await expect(own.call("devtools.get_targets", {}, { timeoutMs: 3_000 })).rejects.toMatchObject({
      code: "unavailable",
    });
    variables.DEVTOOLS_URL = chromium.url;
    await expect(own.call("devtools.get_targets")).resolves.toBeInstanceOf(Array);
  }, 60_000);
});
