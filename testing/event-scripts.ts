import type { EventStream } from "../src/capability/index.ts";
import { CcosError, type StreamEvent } from "../src/kernel/index.ts";
import type { ManagerRig } from "./manager-rig.ts";

/** An item of a stream. */
export const data = (value: number, cursor?: string): StreamEvent => ({
  type: "data",
  value,
  ...(cursor !== undefined && { cursor }),
});
/** The items of the numbers from one to another. */
export const numbers = (from: number, to: number): StreamEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => data(from + index));

/** Gives events one after the other, and then an error or the end. */
export async function* script(events: readonly StreamEvent[], error?: Error): AsyncGenerator<StreamEvent> {
  yield* events;
  if (error !== undefined) throw error;
}

/** Numbers from 1 on, whoever takes them; `made` counts them. */
export function counting(): { made: number; events: () => AsyncGenerator<StreamEvent> } {
  const state = {
    made: 0,
    async *events(): AsyncGenerator<StreamEvent> {
      for (;;) yield data(++state.made);
    },
  };
  return state;
}

/** Leases that are held. */
export const active = (rig: ManagerRig): number => rig.manager.list().reduce((sum, session) => sum + session.active, 0);

/** The values of the next events, as many as there are. */
export async function take(stream: EventStream, count: number): Promise<unknown[]> {
  const values: unknown[] = [];
  for (let left = count; left > 0; left--) {
    const { value, done } = await stream.next();
    if (done === true) break;
    values.push(value.type === "progress" ? value.progress : value.value);
  }
  return values;
}

/** The error that a stream ends with, whatever comes before it. */
export async function failureOf(stream: EventStream): Promise<CcosError> {
  for (;;) {
    const step = await stream.next().catch((error: unknown) => error as CcosError);
    if (step instanceof CcosError) return step;
    if (step.done === true) throw new Error("It ended without an error.");
  }
}

/** Ends when the signal does. */
export async function* silence(signal: AbortSignal): AsyncGenerator<StreamEvent> {
  await new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
  yield data(0);
}

/** A number every `ms` milliseconds. */
export async function* ticking(rig: ManagerRig, signal: AbortSignal, ms: number): AsyncGenerator<StreamEvent> {
  for (let value = 1; ; value++) {
    await new Promise<void>((resolve, reject) => {
      const timer = rig.clock.setTimer(ms, resolve);
      signal.addEventListener("abort", () => (timer.cancel(), reject(signal.reason as Error)), { once: true });
    });
    yield data(value);
  }
}

/** The peer forgets everything, and says so. */
export function lost(rig: ManagerRig): CcosError {
  rig.forgetAll();
  return new CcosError("session-lost", "The peer has forgotten it.");
}
