import { describe, expect, test } from "vitest";

import { browserCommand, openBrowser } from "./open-browser.ts";

describe("showing an address", () => {
  test.each<[string, NodeJS.Platform, Record<string, string>, readonly string[]]>([
    ["the program that is named", "linux", { BROWSER: "/usr/bin/firefox", DISPLAY: ":0" }, ["/usr/bin/firefox"]],
    [
      "the desktop's, where what is named is more than a program",
      "linux",
      { BROWSER: "a %s:b", DISPLAY: ":0" },
      ["xdg-open"],
    ],
    ["the desktop's", "linux", { WAYLAND_DISPLAY: "w" }, ["xdg-open"]],
    ["nothing, where there is no screen", "linux", {}, []],
    ["the system's", "darwin", {}, ["open"]],
    ["the system's", "win32", {}, ["rundll32.exe", "url.dll,FileProtocolHandler"]],
  ])("is done by %s (%s, %j)", (_what, platform, env, command) => {
    expect(browserCommand(env, platform)).toEqual(command);
  });

  test("fails where the program does, and for what is no page", async () => {
    expect(await openBrowser(new URL("https://a.example"), { BROWSER: "/no/such/program" })).toBe(false);
    expect(await openBrowser(new URL("https://a.example"), {}, "linux")).toBe(false);
    expect(await openBrowser(new URL("file:///etc/passwd"), { BROWSER: "/bin/true" })).toBe(false);
    expect(await openBrowser(new URL("https://a.example"), { BROWSER: "/bin/true" })).toBe(true);
  });
});
