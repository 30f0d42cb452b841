import assert from "node:assert/strict";
import { failsWith, type Check } from "./bench.ts";
import { ENDS, FAULTS } from "./fault-checks.ts";
import type { HandlerRig } from "./rig.ts";

/** What a handler promises by itself, without a pool around it. */
export function bareChecks(rig: HandlerRig): Check[] {
  return [...TARGET, ...CALLS, ...Object.keys(rig.losses).map(lossCheck), ...FAULTS, ...ENDS];
}

const TARGET: Check[] = [
  {
    name: "target: says where and as whom without opening anything, and the same each time",
    async run({ driver, capability, peer }) {
      // What a handler keeps for itself may be made anew each time.
      const { settings: _first, ...given } = driver.target(capability);
      const { settings: _second, ...again } = driver.target(capability);
      assert.deepEqual(again, given);
      const { endpoint } = given;
      assert.notEqual(endpoint, "");
      assert.equal(peer.opened + peer.connections, 0);
    },
  },
  {
    name: "target: keeps credentials out of what people see",
    needs: ["credentials"],
    async run({ driver, capability, peer }) {
      const { variable } = credentialOf(peer);
      const secret = String(peer.env[variable]);
      const target = driver.target(capability);
      assert.ok(
        Object.values(target.credentials).some((value) => value.includes(secret)),
        "the credential is in credentials",
      );
      const seen = JSON.stringify([target.endpoint, target.shape, target.operation]);
      assert.ok(!seen.includes(secret), "the credential is in no endpoint, shape or operation");
      assert.equal(target.credentialSource, variable);
    },
  },
  {
    name: "target: refuses metadata without an address",
    async run(bench) {
      await failsWith((async () => bench.driver.target(bench.capabilityOf({})))(), "invalid-argument");
    },
  },
];

const CALLS: Check[] = [
  {
    name: "open: one session at the peer, and nothing is called",
    async run(bench) {
      const { peer } = bench;
      await bench.open();
      if (bench.has("sessions")) assert.deepEqual([peer.opened, peer.sessions], [1, 1]);
      assert.equal(peer.ran("a"), 0);
    },
  },
  {
    name: "execute: each call is answered, and none opens anything more",
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      const texts = ["a", "b", 'quotes " and \\ and \n line ends', "süß 漢字 🎈", ""];
      for (const text of texts) await bench.answers(session, text);
      if (bench.has("sessions")) assert.equal(peer.opened, 1);
      assert.deepEqual(
        texts.map((text) => peer.ran(text)),
        texts.map(() => 1),
      );
    },
  },
  {
    name: "many in flight: 32 calls on one session, answered the latest first, each get their own answer",
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      const release = peer.hold();
      const texts = Array.from({ length: 32 }, (_, index) => `text-${index}`);
      const calls = texts.map((text) => bench.answers(session, text));
      await bench.eventually(() => peer.held === texts.length, "all 32 calls are at the peer at once");
      release();
      await Promise.all(calls);
      assert.deepEqual(
        texts.map((text) => peer.ran(text)),
        texts.map(() => 1),
      );
    },
  },
  {
    name: "cancel: the caller is let go at once, and the session serves on",
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      const release = peer.hold();
      const controller = new AbortController();
      const call = bench.call(session, "given up", { signal: controller.signal });
      await bench.eventually(() => peer.held === 1, "the call is at the peer");
      controller.abort();
      await failsWith(call, "canceled");
      release();
      await bench.answers(session, "next");
    },
  },
  {
    name: "cancel: reaches the peer",
    needs: ["cancel"],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      const release = peer.hold();
      const controller = new AbortController();
      const calls = [bench.call(session, "given up", { signal: controller.signal }), bench.answers(session, "kept")];
      await bench.eventually(() => peer.held === 2, "both calls are at the peer");
      controller.abort();
      await failsWith(calls[0] as Promise<unknown>, "canceled");
      await bench.eventually(() => peer.canceled === 1, "the peer hears of it");
      release();
      await calls[1];
    },
  },
  {
    name: "deadline: a call without an answer ends in time, and the session serves on",
    needs: ["hangs-calling"],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      peer.dial("hangs-calling");
      await failsWith(
        bench.within(bench.call(session, "slow", { timeoutMs: 100 }), "A call with 100 ms", 1 / 4),
        "deadline-exceeded",
      );
      peer.heal();
      await bench.answers(session, "next");
      assert.equal(peer.ran("slow"), 0);
    },
  },
];

function lossCheck(loss: string): Check {
  return {
    name: `lose: ${loss} is a lost session, the call did not run, and another session serves`,
    async run(bench) {
      const { peer, driver } = bench;
      const session = await bench.open();
      await bench.answers(session, "before");
      await bench.lose(loss, () => driver.lost.length);
      await failsWith(bench.call(session, "after"), "session-lost");
      assert.equal(peer.ran("after"), 0);
      await driver.terminate({ ...session, lost: true });
      await bench.answers(await bench.open(), "after");
    },
  };
}

function credentialOf(peer: { readonly credential?: { readonly variable: string; readonly other: string } }): {
  readonly variable: string;
  readonly other: string;
} {
  assert.ok(
    peer.credential,
    'the peer names its credential, or the rig says why it is `without: { credentials: "…" }`',
  );
  return peer.credential;
}
