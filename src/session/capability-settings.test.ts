import { describe, expect, test } from "vitest";
import { capabilitySettings, hasSettings } from "./capability-settings.ts";

const file = (metadata: Record<string, never> | object, flatMetadata: Record<string, string> = {}) => ({
  metadata: metadata as never,
  flatMetadata,
});

describe("the settings of a capability's file", () => {
  test("are its blocks", () => {
    const metadata = { retry: { max_attempts: 5 }, timeout_ms: 100 };
    expect(capabilitySettings(file(metadata))).toEqual(metadata);
    expect(hasSettings(file(metadata))).toBe(true);
  });

  test("are as well the flat keys that mean the same", () => {
    const flat = { session_max_sessions: "4", retry_max_attempts: "5", acme_url: "x" };
    expect(capabilitySettings(file({ acme_url: "x" }, flat))).toMatchObject({
      session: { max_sessions: "4" },
      retry: { max_attempts: "5" },
    });
    expect(hasSettings(file({}, flat))).toBe(true);
    expect(hasSettings(file({}, { acme_url: "x" }))).toBe(false);
  });

  test("are those of the block where a flat key says something else", () => {
    const flat = { retry_max_attempts: "5", retry_max_delay_ms: "9" };
    expect(capabilitySettings(file({ retry: { max_attempts: 2 } }, flat))).toEqual({
      retry: { max_attempts: 2, max_delay_ms: "9" },
    });
  });

  test("leave a block switched off that is", () => {
    expect(capabilitySettings(file({ retry: false }, { retry_max_attempts: "5" }))).toEqual({ retry: false });
  });
});
