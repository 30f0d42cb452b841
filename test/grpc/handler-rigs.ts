import { status } from "@grpc/grpc-js";

import type { JsonObject } from "../../src/kernel/index.ts";
import { createGrpcHandler } from "../../src/providers/grpc/index.ts";
import {
  REJECTION,
  RETRY_AFTER_MS,
  type HandlerPeer,
  type HandlerRig,
  type PeerFault,
  type PeerStream,
} from "../../testing/index.ts";
import { retryIn, SHOP_PROTO, startShop, type Shop, type ShopCall } from "./shop-server.ts";

const LIMIT = 100_000;
const TOKENS = ["token-of-alice", "token-of-bob"];

const ABRUPT = "the connection was cut";
const GRACEFUL = "the server said goodbye";

/** With what the server says of itself, or with a `.proto` file. */
export function grpcRig(source: "reflection" | "proto"): HandlerRig {
  return {
    createHandler: createGrpcHandler,
    startPeer: async () => new ShopPeer(await startShop({ tokens: [...TOKENS] }), source),
    losses: { [ABRUPT]: "noticed", [GRACEFUL]: "noticed" },
    without: {
      restore: "a session ends with its connection",
      renewal: "tokens of OAuth 2 are tested by themselves; a bearer token is renewed by nobody",
      ...(source === "proto" && {
        unauthenticated: "without reflection the first call finds out, and not the opening",
        "hangs-opening": "without reflection nothing is asked when a session opens",
      }),
    },
  };
}

class ShopPeer implements HandlerPeer {
  readonly block: JsonObject;
  readonly env: Record<string, string> = { SHOP_TOKEN: "token-of-alice" };
  readonly credential = { variable: "SHOP_TOKEN", other: "token-of-bob" };
  readonly stream: PeerStream;
  readonly #shop: Shop;

  constructor(shop: Shop, source: "reflection" | "proto") {
    this.#shop = shop;
    this.block = {
      target: shop.target,
      service: "shop.v1.Shop",
      method: "Echo",
      auth_env_var: "SHOP_TOKEN",
      max_response_bytes: LIMIT,
      ...(source === "reflection" ? { reflection: true } : { proto: SHOP_PROTO }),
    };
    const { seen } = shop;
    this.stream = {
      block: { ...this.block, method: "List", emit_defaults: false },
      input: { n: 3 },
      events: [0, 1, 2].map((index) => ({ type: "data", value: { itemId: `i${index}` } })),
      endless: { endless: true },
      get open() {
        return seen.streams;
      },
      get sent() {
        return seen.sent;
      },
    };
  }

  input = (text: string): JsonObject => ({ text });
  output = (text: string): JsonObject => ({ text });
  ran = (text: string): number => this.#shop.seen.ran.get(text) ?? 0;
  get opened(): number {
    return this.#shop.seen.opened;
  }
  get sessions(): number {
    return this.#shop.connections;
  }
  get connections(): number {
    return this.#shop.connections;
  }
  get held(): number {
    return this.#shop.held;
  }
  get canceled(): number {
    return this.#shop.seen.canceled;
  }

  dial(fault: PeerFault, times = Infinity): void {
    const { dials, seen } = this.#shop;
    if (fault === "unauthenticated") dials.tokens = [];
    else if (fault === "hangs-opening") dials.hangsReflecting = true;
    else {
      let left = times;
      dials.fault = (call) => {
        if (left-- <= 0) return false;
        const text = String(call.request["text"]);
        if (RUNS.has(fault)) seen.ran.set(text, this.ran(text) + 1);
        FAULTS[fault](call);
        return true;
      };
    }
  }

  heal(): void {
    Object.assign(this.#shop.dials, { tokens: [...TOKENS], fault: undefined, hangsReflecting: false });
  }
  hold = (): (() => void) => this.#shop.hold();
  lose(loss: string): void {
    this.#shop.drop(loss === GRACEFUL);
  }
  stop = (): Promise<void> => this.#shop.stop();
  restart = (): Promise<void> => this.#shop.restart();
  [Symbol.asyncDispose] = (): Promise<void> => this.#shop[Symbol.asyncDispose]();
}

const RUNS: ReadonlySet<PeerFault> = new Set(["cut", "malformed", "oversize"]);

const FAULTS: Readonly<Record<Exclude<PeerFault, "unauthenticated" | "hangs-opening">, (call: ShopCall) => void>> = {
  throttled: (call) =>
    call.answer({ code: status.RESOURCE_EXHAUSTED, details: "slow down", metadata: retryIn(RETRY_AFTER_MS) }),
  rejected: (call) => call.answer({ code: status.NOT_FOUND, details: REJECTION }),
  "hangs-calling": () => {},
  cut: (call) => call.cut(),
  malformed: (call) => call.answer(null, Buffer.from([0x0a, 0xff, 0xff])),
  oversize: (call) =>
    call.answer(null, Buffer.concat([Buffer.from([0x0a, 0xc0, 0x84, 0x3d]), Buffer.alloc(10 * LIMIT, 97)])),
};
