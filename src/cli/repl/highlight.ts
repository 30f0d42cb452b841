import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const TOKEN = /("(?:[^"\\]|\\.)*"?)|(:[^\s()[\]{}",]+)|(#<[^>]*>)|([^\s()[\]{}",]+)/gs;
const NUMBER = /^(?:[+-]?\d|##)/;
const CONSTANTS: ReadonlySet<string> = new Set(["nil", "true", "false"]);

/** A printed value in colours for a terminal: the same text when they are taken away. */
export function highlight(text: string): string {
  return text.replace(TOKEN, (token, string?: string, keyword?: string, opaque?: string) => {
    const style = styleOf(token, string, keyword, opaque);
    return style === undefined ? token : styleText(style, token, { validateStream: false });
  });
}

function styleOf(token: string, string?: string, keyword?: string, opaque?: string): Style | undefined {
  if (string !== undefined) return "green";
  if (keyword !== undefined) return "cyan";
  if (opaque !== undefined) return "dim";
  if (CONSTANTS.has(token)) return "magenta";
  return NUMBER.test(token) ? "yellow" : undefined;
}
