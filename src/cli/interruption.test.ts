import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { isCcosError } from "../kernel/index.ts";
import { createInterruption } from "./interruption.ts";

function setUp() {
  const exits: number[] = [];
  const source = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  const told: string[] = [];
  return { exits, source, told, interruption: createInterruption(source, (text) => told.push(text)) };
}

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s cancels at first and ends at once the second time, with %i", (name, code) => {
  const { interruption, source, exits, told } = setUp();
  interruption.watch();
  interruption.watch();
  source.emit(name);
  expect(interruption.signal.aborted).toBe(true);
  expect(isCcosError(interruption.signal.reason) && interruption.signal.reason.code).toBe("canceled");
  expect(interruption.exitCode()).toBe(code);
  expect(exits).toEqual([]);
  expect(told).toHaveLength(1);
  source.emit(name);
  expect(exits).toEqual([code]);
});

it("listens only from when it is told until it is stopped", () => {
  const { interruption, source } = setUp();
  expect(source.listenerCount("SIGINT")).toBe(0);
  interruption.watch();
  expect(source.listenerCount("SIGINT")).toBe(1);
  interruption.stop();
  expect(source.listenerCount("SIGINT")).toBe(0);
  expect(interruption.exitCode()).toBeUndefined();
});
