import assert from "node:assert/strict";
import { isCcosError } from "../src/kernel/index.ts";
import type { Store } from "../src/stores/index.ts";

/** One place where stores keep things, and the time there. */
export interface StorePlace {
  /** A store on this place; each is another client, as another process would have it. */
  open(): Promise<Store>;
  /** Lets time pass for everything that lives for a while. */
  advance(ms: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A kind of store under test. */
export interface StoreRig {
  /** An empty place. */
  createPlace(): Promise<StorePlace>;
  /** Whether several clients may share a place. */
  readonly shared: boolean;
}

export interface StoreCheck {
  readonly section: "records" | "locks" | "slots" | "feed" | "log" | "keys";
  readonly name: string;
  run(): Promise<void>;
}

interface Bench {
  readonly store: Store;
  /** Another client of the same place; the same one where the rig has no others. */
  readonly other: Store;
  advance(ms: number): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);

/**
 * What every store must do, as checks for any test runner: `for (const check of storeChecks(rig)) test(check.name, check.run)`.
 */
export function storeChecks(rig: StoreRig): StoreCheck[] {
  const check = (section: StoreCheck["section"], name: string, run: (bench: Bench) => Promise<void>): StoreCheck => ({
    section,
    name: `${section}: ${name}`,
    async run() {
      await using place = await rig.createPlace();
      const store = await place.open();
      const other = rig.shared ? await place.open() : store;
      try {
        await run({ store, other, advance: (ms) => place.advance(ms) });
      } finally {
        await store.close();
        if (other !== store) await other.close();
      }
    },
  });
  return [
    ...recordChecks(check),
    ...lockChecks(check),
    ...slotChecks(check),
    ...feedChecks(check),
    ...logChecks(check),
  ];
}

type Check = (section: StoreCheck["section"], name: string, run: (bench: Bench) => Promise<void>) => StoreCheck;

function recordChecks(check: Check): StoreCheck[] {
  return [
    check("records", "what was put is there, byte for byte, for every client", async ({ store, other }) => {
      const value = Uint8Array.from({ length: 256 }, (_, index) => index);
      const version = await store.records.put("a", value);
      assert.ok(version !== undefined && version > 0);
      const found = await other.records.get("a");
      assert.deepEqual(Array.from(found?.value ?? []), Array.from(value));
      assert.equal(found?.version, version);
      assert.equal(await store.records.get("b"), undefined);
    }),
    check("records", "names and values may be anything", async ({ store }) => {
      const names = ["__proto__", "constructor", "a b", "é/日本", "%_'\"\\", "x".repeat(512)];
      for (const name of names) await store.records.put(name, bytes(name));
      for (const name of names) assert.equal(text((await store.records.get(name))?.value), name);
      await store.records.put("empty", new Uint8Array());
      assert.equal((await store.records.get("empty"))?.value.length, 0);
      const large = new Uint8Array(1_000_000).fill(7);
      await store.records.put("large", large);
      assert.deepEqual((await store.records.get("large"))?.value.length, large.length);
    }),
    check("records", "a name that is none is refused", async ({ store }) => {
      for (const name of ["", "x".repeat(513), "a\0b", "\ud800"]) {
        await assert.rejects(
          async () => store.records.put(name, bytes("x")),
          (error) => isCcosError(error) && error.code === "invalid-argument",
        );
      }
    }),
    check("records", "a version grows with every change, also across a removal", async ({ store, other }) => {
      const first = (await store.records.put("a", bytes("1"))) as number;
      const second = (await other.records.put("a", bytes("2"))) as number;
      assert.ok(second > first);
      assert.equal(await store.records.remove("a"), true);
      assert.equal(await other.records.get("a"), undefined);
      const third = (await other.records.put("a", bytes("3"))) as number;
      assert.ok(third > second);
    }),
    check(
      "records",
      "a write on a condition happens where it holds, and else changes nothing",
      async ({ store, other }) => {
        const first = await store.records.put("a", bytes("1"), { ifVersion: 0 });
        assert.ok(first !== undefined);
        assert.equal(await other.records.put("a", bytes("x"), { ifVersion: 0 }), undefined);
        const second = await other.records.put("a", bytes("2"), { ifVersion: first });
        assert.ok(second !== undefined);
        assert.equal(await store.records.put("a", bytes("x"), { ifVersion: first }), undefined);
        assert.equal(await store.records.remove("a", { ifVersion: first }), false);
        assert.equal(text((await store.records.get("a"))?.value), "2");
        assert.equal(await store.records.remove("a", { ifVersion: second }), true);
        assert.equal(await store.records.remove("a"), false);
      },
    ),
    check("records", "of many writers on one condition, one succeeds each time", async ({ store, other }) => {
      let written = 0;
      const writer = async (client: Store): Promise<void> => {
        for (let done = 0; done < 25;) {
          const found = await client.records.get("count");
          const next = Number(text(found?.value) ?? "0") + 1;
          if (
            (await client.records.put("count", bytes(String(next)), { ifVersion: found?.version ?? 0 })) === undefined
          )
            continue;
          done++;
          written++;
        }
      };
      await Promise.all([writer(store), writer(other), writer(store), writer(other)]);
      assert.equal(text((await store.records.get("count"))?.value), String(written));
    }),
    check(
      "records",
      "one that lives for a while is gone after it, and not before",
      async ({ store, other, advance }) => {
        const version = await store.records.put("a", bytes("1"), { ttlMs: 100_000 });
        await advance(90_000);
        assert.equal((await other.records.get("a"))?.version, version);
        await advance(10_001);
        assert.equal(await other.records.get("a"), undefined);
        assert.equal(await store.records.remove("a"), false);
        assert.deepEqual(await store.records.list(""), []);
        assert.ok((await store.records.put("a", bytes("2"), { ifVersion: 0 })) !== undefined);
      },
    ),
    check("records", "writing again decides anew how long it lives", async ({ store, advance }) => {
      await store.records.put("a", bytes("1"), { ttlMs: 100_000 });
      await store.records.put("a", bytes("2"));
      await advance(1_000_000);
      assert.equal(text((await store.records.get("a"))?.value), "2");
    }),
    check("records", "are listed by a prefix, in order, page by page", async ({ store, other }) => {
      for (const name of ["b/2", "a/1", "b/10", "b/1", "b", "c", "b_x", "B/1"])
        await store.records.put(name, bytes(name));
      assert.deepEqual(await other.records.list("b/"), ["b/1", "b/10", "b/2"]);
      assert.deepEqual(await other.records.list("b/", { limit: 2 }), ["b/1", "b/10"]);
      assert.deepEqual(await other.records.list("b/", { after: "b/10" }), ["b/2"]);
      assert.deepEqual(await other.records.list("x"), []);
    }),
  ];
}

function lockChecks(check: Check): StoreCheck[] {
  return [
    check("locks", "one holder at a time", async ({ store, other }) => {
      const token = await store.locks.take("a", 100_000);
      assert.ok(token !== undefined);
      assert.equal(await other.locks.take("a", 100_000), undefined);
      assert.ok((await other.locks.take("b", 100_000)) !== undefined);
      assert.equal(await store.locks.release("a", token), true);
      assert.ok((await other.locks.take("a", 100_000)) !== undefined);
    }),
    check("locks", "of many who ask at once, one gets it", async ({ store, other }) => {
      const tokens = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).locks.take("a", 100_000)),
      );
      assert.equal(tokens.filter((token) => token !== undefined).length, 1);
    }),
    check(
      "locks",
      "a holder that does not renew in time loses it to the next, whose token is greater",
      async ({ store, other, advance }) => {
        const first = (await store.locks.take("a", 100_000)) as number;
        await advance(90_000);
        assert.equal(await store.locks.renew("a", first, 100_000), true);
        await advance(90_000);
        assert.equal(await other.locks.take("a", 100_000), undefined);
        await advance(10_001);
        const second = (await other.locks.take("a", 100_000)) as number;
        assert.ok(second > first);
        assert.equal(await store.locks.renew("a", first, 100_000), false);
        assert.equal(await store.locks.release("a", first), false);
        assert.equal(await other.locks.release("a", second), true);
      },
    ),
  ];
}

function slotChecks(check: Check): StoreCheck[] {
  const limits = { capacity: 10, ttlMs: 100_000 };
  return [
    check("slots", "all holders together never have more than there are", async ({ store, other }) => {
      assert.equal(await store.slots.hold("a", "one", 6, limits), 6);
      assert.equal(await other.slots.hold("a", "two", 6, limits), 4);
      assert.equal(await other.slots.hold("a", "three", 1, limits), 0);
      assert.equal(await store.slots.held("a"), 10);
      assert.equal(await other.slots.hold("b", "two", 6, limits), 6);
    }),
    check("slots", "a holder gives back what it does not want any more", async ({ store, other }) => {
      await store.slots.hold("a", "one", 8, limits);
      assert.equal(await store.slots.hold("a", "one", 3, limits), 3);
      assert.equal(await other.slots.hold("a", "two", 9, limits), 7);
      assert.equal(await store.slots.hold("a", "one", 0, limits), 0);
      assert.equal(await store.slots.held("a"), 7);
    }),
    check("slots", "of many who ask at once, no more are granted than there are", async ({ store, other }) => {
      const granted = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).slots.hold("a", `holder ${n}`, 3, limits)),
      );
      assert.equal(
        granted.reduce((sum, count) => sum + count, 0),
        10,
      );
    }),
    check(
      "slots",
      "those of a holder that is heard of no more are free after a while",
      async ({ store, other, advance }) => {
        await store.slots.hold("a", "one", 10, { ...limits, ttlMs: 100_000 });
        await advance(50_000);
        assert.equal(await store.slots.hold("a", "one", 10, { ...limits, ttlMs: 100_000 }), 10);
        await advance(90_000);
        assert.equal(await other.slots.hold("a", "two", 1, limits), 0);
        await advance(10_001);
        assert.equal(await other.slots.hold("a", "two", 1, limits), 1);
      },
    ),
  ];
}

function feedChecks(check: Check): StoreCheck[] {
  return [
    check(
      "feed",
      "those who listen hear what is published after, in order, and nothing of other topics",
      async ({ store, other }) => {
        await store.feed.publish("news", bytes("before"));
        const heard: string[] = [];
        const leave = await other.feed.subscribe("news", (message) => void heard.push(text(message) as string));
        for (let n = 0; n < 20; n++) await store.feed.publish(n % 2 === 0 ? "news" : "others", bytes(String(n)));
        await eventually(() => heard.length === 10);
        assert.deepEqual(
          heard,
          Array.from({ length: 10 }, (_, n) => String(2 * n)),
        );
        await leave();
        await store.feed.publish("news", bytes("after"));
        const late: string[] = [];
        const leaveAgain = await other.feed.subscribe("news", (message) => void late.push(text(message) as string));
        await store.feed.publish("news", bytes("last"));
        await eventually(() => late.length > 0);
        assert.deepEqual([heard.length, late], [10, ["last"]]);
        await leaveAgain();
      },
    ),
    check("feed", "each of several listeners hears it", async ({ store, other }) => {
      let heard = 0;
      const listener = (): void => void heard++;
      const leaves = [
        await store.feed.subscribe("news", listener),
        await store.feed.subscribe("news", listener),
        await other.feed.subscribe("news", listener),
      ];
      await store.feed.publish("news", bytes("x"));
      await eventually(() => heard === 3);
      for (const leave of leaves) await leave();
    }),
  ];
}

function logChecks(check: Check): StoreCheck[] {
  return [
    check("log", "grows, and gives its entries in order, with their numbers", async ({ store, other }) => {
      assert.equal(await store.log.append("a", [bytes("1"), bytes("2")]), 2);
      assert.equal(await other.log.append("a", [bytes("3")]), 3);
      assert.equal(await other.log.append("b", [bytes("x")]), 1);
      const entries = await store.log.read("a", 0);
      assert.deepEqual(
        entries.map(({ number, entry }) => [number, text(entry)]),
        [
          [1, "1"],
          [2, "2"],
          [3, "3"],
        ],
      );
      assert.deepEqual(
        (await store.log.read("a", 1, 1)).map(({ number }) => number),
        [2],
      );
      assert.deepEqual(await store.log.read("a", 3), []);
      assert.deepEqual(await store.log.read("c", 0), []);
      assert.deepEqual(await store.log.list(), ["a", "b"]);
    }),
    check(
      "log",
      "loses nothing of what several append at once, and keeps together what was appended together",
      async ({ store, other }) => {
        const pairs = 20;
        await Promise.all(
          Array.from({ length: pairs }, (_, n) =>
            (n % 2 === 0 ? store : other).log.append("a", [bytes(`${n} first`), bytes(`${n} second`)]),
          ),
        );
        const entries = (await store.log.read("a", 0)).map(({ entry }) => text(entry) as string);
        assert.equal(entries.length, 2 * pairs);
        for (let at = 0; at < entries.length; at += 2)
          assert.equal(entries[at + 1], entries[at]?.replace("first", "second"));
      },
    ),
    check("log", "numbers go on after entries were dropped", async ({ store }) => {
      await store.log.append("a", [bytes("1"), bytes("2"), bytes("3")]);
      assert.equal(await store.log.drop("a", 2), 2);
      assert.equal(await store.log.drop("a", 2), 0);
      assert.equal(await store.log.append("a", [bytes("4")]), 4);
      assert.deepEqual(
        (await store.log.read("a", 0)).map(({ number }) => number),
        [3, 4],
      );
    }),
  ];
}

/** Stores that look for news by themselves take a moment. */
async function eventually(condition: () => boolean): Promise<void> {
  const until = performance.now() + 10_000;
  while (!condition() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), "it came to pass within ten seconds");
}
