import assert from "node:assert/strict";
import type { StreamEvent } from "../../src/kernel/index.ts";
import { failsWith, type Bench, type Check } from "./bench.ts";
import type { HandlerRig, PeerStream } from "./rig.ts";

/** What a handler that streams promises, by itself and behind the pool. */
export function streamChecks(rig: HandlerRig): Check[] {
  return [...WHOLE, ...ENDLESS, ...Object.keys(rig.losses).map(lossCheck)];
}

/** How long a peer may go on after nobody takes anything, and still count as stopped: looked at this often. */
const LOOK_MS = 150;

const WHOLE: Check[] = [
  {
    name: "stream: gives every event in order, and whoever leaves early leaves nothing open",
    member: "stream",
    needs: ["stream"],
    async run(bench) {
      const stream = streamOf(bench);
      const session = await bench.open();
      assert.deepEqual(
        await bench.within(Array.fromAsync(bench.stream(session, stream.input)), "The stream"),
        stream.events,
      );
      for await (const event of bench.stream(session, stream.input)) {
        assert.deepEqual(event, stream.events[0]);
        break;
      }
      await bench.eventually(() => stream.open === 0, "the peer has no stream open");
      await bench.answers(session, "next");
    },
  },
  {
    name: "stream: two of them on one session and a call between them do not disturb each other",
    member: "stream",
    needs: ["stream"],
    async run(bench) {
      const stream = streamOf(bench);
      const session = await bench.open();
      const streams = [bench.stream(session, stream.input), bench.stream(session, stream.input)];
      const both = Promise.all(streams.map((each) => Array.fromAsync(each)));
      await bench.answers(session, "between");
      assert.deepEqual(await bench.within(both, "Two streams"), [stream.events, stream.events]);
      await bench.eventually(() => stream.open === 0, "the peer has no stream open");
    },
  },
  {
    name: "stream: behind the pool gives every event, and its session is free and the same afterwards",
    member: "stream",
    needs: ["stream"],
    async run(bench) {
      const stream = streamOf(bench);
      const pool = bench.pool({}, stream.block);
      const events = await bench.within(Array.fromAsync(pool.stream(stream.input)), "The stream");
      assert.deepEqual(events, stream.events);
      assert.equal(
        pool.manager.list().reduce((sum, { active }) => sum + active, 0),
        0,
      );
      await bench.within(Array.fromAsync(pool.stream(stream.input)), "The second stream");
      assert.equal(pool.countOf("sessionOpened"), 1);
    },
  },
];

const ENDLESS: Check[] = [
  {
    name: "stream: a consumer that takes nothing stops the peer, or the stream is ended; nothing gathers",
    member: "stream",
    needs: ["stream", "endless"],
    async run(bench) {
      const stream = streamOf(bench);
      const iterator = bench.stream(await bench.open(), endlessOf(stream))[Symbol.asyncIterator]();
      await bench.within(iterator.next(), "The first event");
      let before = -1;
      let lookedAt = -Infinity;
      await bench.eventually(() => {
        if (stream.open === 0) return true;
        if (performance.now() - lookedAt < LOOK_MS) return false;
        lookedAt = performance.now();
        const isStill = stream.sent === before;
        before = stream.sent ?? 0;
        return isStill;
      }, "the peer sends no more, or its stream is ended");
      await iterator.return?.();
      await bench.eventually(() => stream.open === 0, "the peer has no stream open");
    },
  },
  {
    name: "stream: a canceled one ends at once, at the peer too, and the session serves on",
    member: "stream",
    needs: ["stream", "endless"],
    async run(bench) {
      const stream = streamOf(bench);
      const session = await bench.open();
      const controller = new AbortController();
      const iterator = bench.stream(session, endlessOf(stream), controller.signal)[Symbol.asyncIterator]();
      await bench.within(iterator.next(), "The first event");
      controller.abort();
      // What had arrived may still be given.
      await failsWith(bench.within(drained(iterator), "The canceled stream", 1 / 4), "canceled");
      await bench.eventually(() => stream.open === 0, "the peer has no stream open");
      await bench.answers(session, "next");
    },
  },
  {
    name: "stream: behind the pool, whoever leaves an endless one leaves no lease and no stream behind",
    member: "stream",
    needs: ["stream", "endless"],
    async run(bench) {
      const stream = streamOf(bench);
      const pool = bench.pool({}, stream.block);
      let count = 0;
      for await (const _event of pool.stream(endlessOf(stream))) if (++count === 5) break;
      assert.equal(
        pool.manager.list().reduce((sum, { active }) => sum + active, 0),
        0,
      );
      await bench.eventually(() => stream.open === 0, "the peer has no stream open");
      assert.deepEqual(
        await bench.within(Array.fromAsync(pool.stream(stream.input)), "The next stream"),
        stream.events,
      );
    },
  },
  {
    name: "stream: closing ends the one that nobody reads any more",
    member: "stream",
    needs: ["stream", "endless"],
    async run(bench) {
      const stream = streamOf(bench);
      const pool = bench.pool({}, stream.block);
      const iterator = pool.stream(endlessOf(stream));
      await bench.within(iterator.next(), "The first event");
      await bench.within(pool.close({ deadlineMs: 50 }), "Closing");
      await bench.eventually(() => stream.open === 0, "the peer has no stream open");
      await failsWith(bench.within(drained(iterator), "The ended stream", 1 / 4), "pool-closed");
    },
  },
];

function lossCheck(loss: string): Check {
  return {
    name: `stream: behind the pool, ${loss} before the first event is replayed, and every event comes once`,
    member: "stream",
    needs: ["stream"],
    async run(bench) {
      const stream = streamOf(bench);
      const pool = bench.pool({}, stream.block);
      await bench.within(Array.fromAsync(pool.stream(stream.input)), "The first stream");
      await bench.lose(loss, () => pool.countOf("sessionLost"));
      assert.deepEqual(
        await bench.within(Array.fromAsync(pool.stream(stream.input)), "The second stream"),
        stream.events,
      );
      assert.equal(pool.countOf("sessionReplaced"), 1);
    },
  };
}

async function drained(iterator: AsyncIterator<StreamEvent>): Promise<void> {
  while ((await iterator.next()).done !== true);
}

function streamOf({ peer }: Bench): PeerStream {
  assert.ok(peer.stream, 'the peer has a `stream`, or the rig says why it is `without: { stream: "…" }`');
  // A peer may make it anew each time it is asked, with what it counts as it is then.
  const { block, input, events, endless } = peer.stream;
  return {
    ...(block !== undefined && { block }),
    input,
    events,
    ...(endless !== undefined && { endless }),
    get open() {
      return peer.stream?.open ?? 0;
    },
    get sent() {
      return peer.stream?.sent ?? 0;
    },
  };
}

function endlessOf({ endless }: PeerStream): NonNullable<PeerStream["endless"]> {
  assert.ok(
    endless !== undefined && endless !== null,
    'it can be `endless`, or the rig says why it is `without: { endless: "…" }`',
  );
  return endless;
}
