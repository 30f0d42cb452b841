import assert from "node:assert/strict";
import { failsWith, type Check } from "./bench.ts";
import { REJECTION, RETRY_AFTER_MS, type HandlerRig } from "./rig.ts";

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

const FAULTS: Check[] = [
  {
    name: "unauthenticated: said as such when opening, naming the variable and showing no credential",
    needs: ["unauthenticated"],
    async run(bench) {
      const { peer, driver, capability } = bench;
      peer.dial("unauthenticated");
      const error = await failsWith(bench.within(bench.open(), "Opening"), "unauthenticated");
      const said = JSON.stringify(error);
      const { credentialSource, credentials } = driver.target(capability);
      if (credentialSource !== undefined)
        assert.ok(said.includes(credentialSource), `${said} names ${credentialSource}`);
      for (const value of Object.values(credentials)) assert.ok(!said.includes(value), "no credential is shown");
      peer.heal();
      await bench.answers(await bench.open(), "after");
    },
  },
  {
    name: "throttle: says how long to wait, the call did not run, and the session serves on",
    needs: ["throttled"],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      peer.dial("throttled");
      const error = await failsWith(bench.call(session, "too soon"), "rate-limited");
      assert.equal(error.retryAfterMs, RETRY_AFTER_MS);
      assert.equal(peer.ran("too soon"), 0);
      peer.heal();
      await bench.answers(session, "next");
    },
  },
  {
    name: "rejected: in the peer's words, and the session serves on",
    needs: ["rejected"],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      peer.dial("rejected");
      const error = await failsWith(bench.call(session, "wrong"), "rejected");
      assert.ok(error.message.includes(REJECTION), `"${error.message}" quotes the peer`);
      peer.heal();
      await bench.answers(session, "next");
    },
  },
  {
    name: "hang at open: giving the opening up ends it, and nothing stays open",
    needs: ["hangs-opening"],
    async run(bench) {
      const { peer, driver, capability } = bench;
      peer.dial("hangs-opening");
      const controller = new AbortController();
      const opening = driver.open(capability, { signal: controller.signal });
      // Observed from the start: it may fail before it is awaited.
      const ended = opening.then(
        () => assert.fail("A peer that does not answer opened a session."),
        () => {},
      );
      await bench.eventually(() => peer.connections > 0, "the opening is at the peer");
      controller.abort();
      await bench.within(ended, "The opening that was given up", 1 / 2);
      await bench.eventually(() => peer.connections === 0, "nothing stays open");
      peer.heal();
      await bench.answers(await bench.open(), "after");
    },
  },
  {
    name: "cut in mid-answer: the outcome is unknown, it ran once, and another session serves",
    needs: ["cut"],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      peer.dial("cut", 1);
      await failsWith(bench.call(session, "cut"), "outcome-unknown");
      assert.equal(peer.ran("cut"), 1);
      await bench.answers(await bench.open(), "after");
    },
  },
  ...(["malformed", "oversize"] as const).map((fault): Check => ({
    name: `${fault} answer: a protocol error, it ran once, and another session serves`,
    needs: [fault],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      peer.dial(fault, 1);
      await failsWith(bench.call(session, fault), "protocol-error");
      assert.equal(peer.ran(fault), 1);
      await bench.answers(await bench.open(), "after");
    },
  })),
];

const ENDS: Check[] = [
  {
    name: "stop of the peer: unavailable for who calls anew, and ending its sessions throws nothing",
    needs: ["stop"],
    async run(bench) {
      const { peer, driver } = bench;
      const session = await bench.open();
      await bench.answers(session, "before");
      await peer.stop();
      await bench.within(driver.terminate(session), "Ending a session with a peer that is gone");
      // Some open a session without a word to the peer, and then find out at the first call.
      const anew = async (): Promise<unknown> => bench.call(await bench.open(), "anew");
      const codes: string[] = [];
      // The end of an old connection may still be on its way, and then it is not known whether the call ran.
      while (codes.at(-1) !== "unavailable" && codes.length < 3) {
        codes.push((await failsWith(bench.within(anew(), "Calling anew"), "unavailable", "outcome-unknown")).code);
      }
      assert.equal(codes.at(-1), "unavailable");
      assert.equal(peer.connections, 0);
    },
  },
  {
    name: "restart of the peer: the old session is lost or its outcome unknown, nothing ran, and a new one serves",
    needs: ["restart"],
    async run(bench) {
      const { peer } = bench;
      const session = await bench.open();
      await bench.answers(session, "before");
      await peer.restart();
      // The end of the old connection may still be on its way.
      await failsWith(bench.call(session, "after"), "session-lost", "outcome-unknown");
      assert.equal(peer.ran("after"), 0);
      await bench.answers(await bench.open(), "after");
    },
  },
  {
    name: "close: the peer sees the end, and nothing is left open",
    async run(bench) {
      const { peer, driver } = bench;
      const [one, other] = [await bench.open(), await bench.open()];
      await bench.answers(one, "a");
      await bench.answers(other, "b");
      await driver.terminate(one);
      if (bench.has("sessions"))
        await bench.eventually(() => peer.sessions === 1, "the first session has ended at the peer");
      await bench.answers(other, "c");
      await bench.within(driver.close(), "Closing the handler");
      await bench.eventually(() => peer.sessions + peer.connections === 0, "nothing is left at the peer");
    },
  },
  {
    name: "close: a session that is lost is freed, and the peer is not troubled with it",
    async run(bench) {
      const { peer, driver } = bench;
      const session = await bench.open();
      const { opened } = peer;
      const [loss] = Object.keys(bench.rig.losses);
      if (loss !== undefined) await bench.lose(loss, () => driver.lost.length);
      await bench.within(driver.terminate({ ...session, lost: true }), "Ending a lost session");
      await bench.eventually(() => peer.connections === 0, "nothing is left open");
      assert.equal(peer.opened, opened);
    },
  },
];

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
