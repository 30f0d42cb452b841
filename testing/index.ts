/** For tests of programs and handlers: time and chance that a test steers. */
export { createFakeClock, type FakeClock, type FakeClockOptions } from "./fake-clock.ts";
export { createSeededRandom, type Random } from "../src/kernel/index.ts";
