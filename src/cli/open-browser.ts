import { spawn } from "node:child_process";

/**
 * Shows an address in the person's browser. False where there is no way to: on a machine without a screen, say. The
 * address goes to the program as one argument, and through no shell.
 */
export async function openBrowser(
  url: URL,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const [command, ...args] = browserCommand(env, platform);
  if (command === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return false;
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url.href], { detached: true, stdio: "ignore", shell: false });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

/** The program that opens addresses here, with what stands before the address; empty where there is none. */
export function browserCommand(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): readonly string[] {
  // One program and nothing else, as most have it; what holds more is left to the system's own way.
  const named = env["BROWSER"] ?? "";
  if (named !== "" && !/[\s%:]/.test(named)) return [named];
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32.exe", "url.dll,FileProtocolHandler"];
  return env["DISPLAY"] || env["WAYLAND_DISPLAY"] ? ["xdg-open"] : [];
}
