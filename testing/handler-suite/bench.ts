import assert from "node:assert/strict";
import { inspect } from "node:util";
import {
  isCcosError,
  type CcosError,
  type ErrorCode,
  type JsonObject,
  type JsonValue,
  type StreamEvent,
} from "../../src/kernel/index.ts";
import type { Session, SessionCapability, SessionHandler } from "../../src/session/index.ts";
import { capabilityOf, driveHandler, type HandlerDriver } from "../drive-handler.ts";
import { drivePool, type PoolDriver } from "../drive-pool.ts";
import type { HandlerPeer, HandlerRig, PeerAbility } from "./rig.ts";

/** One check before it is known whether it applies. */
export interface Check {
  readonly name: string;
  /** Not made where the rig says that one of these is missing. */
  readonly needs?: readonly PeerAbility[];
  /** Not made where the handler does not have this member. */
  readonly member?: keyof SessionHandler;
  run(bench: Bench): Promise<void>;
}

/** A handler and a peer for one check, driven bare or through the pool. */
export class Bench {
  readonly rig: HandlerRig;
  readonly peer: HandlerPeer;
  readonly handler: SessionHandler;
  readonly driver: HandlerDriver<unknown>;
  readonly capability: SessionCapability;
  readonly #pools: PoolDriver[] = [];

  readonly #patienceMs: number;

  constructor(rig: HandlerRig, peer: HandlerPeer, patienceMs: number) {
    this.rig = rig;
    this.peer = peer;
    this.#patienceMs = patienceMs;
    this.handler = rig.createHandler();
    this.driver = driveHandler(this.handler, { env: peer.env });
    this.capability = this.capabilityOf(peer.block);
  }

  has(ability: PeerAbility): boolean {
    return this.rig.without?.[ability] === undefined;
  }

  capabilityOf(block: JsonObject): SessionCapability {
    return capabilityOf(this.handler.provider, block);
  }

  open(): Promise<Session> {
    return this.driver.open(this.capability);
  }

  call(session: Session, text: string, options?: { signal?: AbortSignal; timeoutMs?: number }): Promise<JsonValue> {
    return observed(
      this.within(this.driver.call(session, this.capability, this.peer.input(text), options), `The call "${text}"`),
    );
  }

  /** Calls and compares. */
  answers(session: Session, text: string): Promise<void> {
    return observed(this.call(session, text).then((value) => this.#compare(value, text)));
  }

  /** The events of one call of the capability that streams. */
  stream(session: Session, input: JsonValue, signal?: AbortSignal): AsyncIterable<StreamEvent> {
    const capability = this.capabilityOf(this.peer.stream?.block ?? this.peer.block);
    return this.driver.stream(session, capability, input, { signal });
  }

  /** A handler of its own behind the pool. */
  pool(session: JsonObject = {}, block: JsonObject = this.peer.block): PoolDriver {
    const pool = drivePool(this.rig.createHandler(), { block, env: this.peer.env, session });
    this.#pools.push(pool);
    return pool;
  }

  poolAnswers(pool: PoolDriver, text: string, idempotent = false): Promise<void> {
    const call = this.within(pool.call(this.peer.input(text), { idempotent }), `The call "${text}"`);
    return observed(call.then(({ value }) => this.#compare(value, text)));
  }

  #compare(value: JsonValue, text: string): void {
    assert.deepEqual(value, this.peer.output(text), `the answer to "${text}"`);
  }

  /** Loses every session and, where the handler hears of it by itself, waits until it has. */
  async lose(loss: string, heard: () => number): Promise<void> {
    const before = heard();
    await this.peer.lose(loss);
    if (this.rig.losses[loss] === "noticed")
      await this.eventually(() => heard() > before, "the handler reports the loss");
  }

  /** The same, or an error that says what did not end in the time that is reasonable, or in part of it. */
  async within<T>(work: Promise<T>, what: string, part = 1): Promise<T> {
    const ms = this.#patienceMs * part;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new assert.AssertionError({ message: `${what} did not end within ${ms} ms.` })),
        ms,
      );
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Looks again and again until it holds; what a peer sees, it sees a little later. */
  async eventually(holds: () => boolean, what: string): Promise<void> {
    const end = performance.now() + this.#patienceMs / 2;
    while (!holds()) {
      assert.ok(performance.now() < end, `Expected in vain: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    this.peer.heal();
    await this.within(this.driver.close(), "Closing the handler");
    for (const pool of this.#pools) await this.within(pool.close({ deadlineMs: 1_000 }), "Closing the pool");
    await this.peer[Symbol.asyncDispose]();
  }
}

/** Rejects with one of these codes, and gives the error. */
export function failsWith(work: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<CcosError> {
  return observed(failure(work, codes));
}

/** A check that fails before it awaits this leaves no unhandled rejection behind. */
function observed<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

async function failure(work: Promise<unknown>, codes: readonly ErrorCode[]): Promise<CcosError> {
  const error = await work.then(
    (value) => assert.fail(`It gave ${inspect(value, { depth: 1 })} where ${codes.join(" or ")} was expected.`),
    (thrown: unknown) => thrown,
  );
  if (!isCcosError(error)) throw error;
  assert.ok(codes.includes(error.code), `the code is ${codes.join(" or ")}, not ${error.code}: ${error.message}`);
  return error;
}
