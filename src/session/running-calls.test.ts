import { describe, expect, test } from "vitest";
import { CcosError } from "../kernel/index.ts";
import { RunningCalls } from "./running-calls.ts";

const closing = new CcosError("pool-closed", "closing");

describe("a running call", () => {
  test("that can be ended from here keeps its own signal", () => {
    const calls = new RunningCalls();
    const controller = new AbortController();
    const running = calls.start({ signal: controller.signal, abort: (reason) => controller.abort(reason) });
    expect(running.signal).toBe(controller.signal);
    calls.abortAll(closing);
    expect(running.signal.reason).toBe(closing);
  });

  test("gets a signal that follows the caller's, where that is all there is", () => {
    const calls = new RunningCalls();
    const controller = new AbortController();
    const [first, second] = [calls.start({ signal: controller.signal }), calls.start({})];
    calls.abortAll(closing);
    expect([first.signal.reason, second.signal.reason, controller.signal.aborted]).toEqual([closing, closing, false]);

    const third = calls.start({ signal: controller.signal });
    controller.abort("enough");
    expect(third.signal.reason).toMatchObject({ code: "canceled", cause: "enough" });
    expect(calls.start({ signal: controller.signal }).signal.aborted).toBe(true);
  });

  test("that is over is ended by nobody", () => {
    const calls = new RunningCalls();
    const controller = new AbortController();
    const running = calls.start({ signal: controller.signal });
    running.finish();
    calls.abortAll(closing);
    controller.abort();
    expect(running.signal.aborted).toBe(false);
  });
});
