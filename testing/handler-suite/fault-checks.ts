import assert from "node:assert/strict";
import { failsWith, type Check } from "./bench.ts";
import { REJECTION, RETRY_AFTER_MS } from "./rig.ts";

/** What a peer does wrong, as its handler alone has to tell it. */
export const FAULTS: readonly Check[] = [
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

/** How it ends, at either side. */
export const ENDS: readonly Check[] = [
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
