import { describe, expect, test } from "vitest";
import { createEmitter } from "./index.ts";

interface Events {
  opened: { id: string };
  closed: { id: string; reason: string };
}

describe("an emitter", () => {
  test("tells an event to its listeners, in the order they came", () => {
    const emitter = createEmitter<Events>();
    const heard: string[] = [];
    emitter.on("opened", ({ id }) => heard.push(`first ${id}`));
    emitter.on("opened", ({ id }) => heard.push(`second ${id}`));
    emitter.on("closed", ({ reason }) => heard.push(reason));
    emitter.emit("opened", { id: "a" });
    expect(heard).toEqual(["first a", "second a"]);
  });

  test("tells every event, with its name, to those who hear all", () => {
    const emitter = createEmitter<Events>();
    const heard: unknown[] = [];
    const off = emitter.onAny((name, event) => heard.push([name, event.id]));
    emitter.emit("opened", { id: "a" });
    emitter.emit("closed", { id: "a", reason: "idle" });
    off();
    off();
    emitter.emit("opened", { id: "b" });
    expect(heard).toEqual([
      ["opened", "a"],
      ["closed", "a"],
    ]);
  });

  test("says whether anybody would hear an event", () => {
    const emitter = createEmitter<Events>();
    expect(emitter.hears("opened")).toBe(false);
    const off = emitter.on("opened", () => {});
    expect([emitter.hears("opened"), emitter.hears("closed")]).toEqual([true, false]);
    off();
    expect(emitter.hears("opened")).toBe(false);
    emitter.onAny(() => {});
    expect([emitter.hears("opened"), emitter.hears("closed")]).toEqual([true, true]);
  });

  test("tells nothing to a listener that was called off", () => {
    const emitter = createEmitter<Events>();
    const heard: string[] = [];
    const off = emitter.on("opened", ({ id }) => heard.push(id));
    emitter.emit("opened", { id: "a" });
    off();
    off();
    emitter.emit("opened", { id: "b" });
    expect(heard).toEqual(["a"]);
  });

  test("goes on when a listener throws, and reports its error", () => {
    const errors: unknown[] = [];
    const emitter = createEmitter<Events>((error) => errors.push(error));
    const heard: string[] = [];
    const boom = new Error("boom");
    emitter.on("opened", () => {
      throw boom;
    });
    emitter.on("opened", ({ id }) => heard.push(id));
    emitter.onAny(() => {
      throw boom;
    });
    emitter.emit("opened", { id: "a" });
    expect([heard, errors]).toEqual([["a"], [boom, boom]]);
  });

  test("lets a listener call itself off, or another on, while it hears", () => {
    const emitter = createEmitter<Events>();
    const heard: string[] = [];
    const off = emitter.on("opened", () => {
      heard.push("once");
      off();
      emitter.on("opened", () => heard.push("new"));
    });
    emitter.on("opened", () => heard.push("steady"));
    emitter.emit("opened", { id: "a" });
    expect(heard).toEqual(["once", "steady"]);
    emitter.emit("opened", { id: "b" });
    expect(heard).toEqual(["once", "steady", "steady", "new"]);
  });
});
