import { CONTRACTS, ROOMS } from "./rooms.ts";

interface Pattern {
  group?: string[];
  regex?: string;
  message: string;
}

interface Override {
  files: string[];
  rules: Record<string, ["error", { patterns: Pattern[] }]>;
}

const TABLE = "(the table is test/architecture/rooms.ts)";

/**
 * The arrows between the rooms as `no-restricted-imports`, one override a room. Lint sees only the text of an
 * import, so `src/index.ts` and a folder of the same name deeper in a room are left to the test, which resolves paths.
 */
export function roomOverrides(): Override[] {
  return Object.entries(ROOMS).map(([room, rules]) => {
    const patterns: Pattern[] = [];
    for (const other of Object.keys(ROOMS)) {
      if (other === room || other === "index.ts") continue;
      const isOpen = rules.doors.includes(other);
      if (other.endsWith(".ts")) {
        if (!isOpen)
          patterns.push({
            group: [`../${other}`, `../../${other}`],
            message: `${room} may not import ${other} ${TABLE}.`,
          });
        continue;
      }
      const folder = other.endsWith("/*") ? other.slice(0, -1) : `${other}/`;
      const contracts = (isOpen ? CONTRACTS : (rules.contracts ?? [])).filter((file) => file.startsWith(folder));
      const allowed = [...(isOpen ? [`${other}/index.ts`] : []), ...contracts];
      patterns.push({
        group: [`**/${other}/**`, ...allowed.map((file) => `!**/${file}`)],
        message: isOpen
          ? `${other} is entered only by its index.ts ${TABLE}.`
          : `${room} may not import ${other} ${TABLE}.`,
      });
    }
    // Directly in its folder, a provider leaves it only by `../..`; one step up there are only siblings.
    if (room.endsWith("/*")) {
      const message = `A provider imports no sibling ${TABLE}.`;
      patterns.push({ regex: "^\\.\\./[^.]", message }, { group: [`../../${room.slice(0, -2)}/**`], message });
    }
    const files = room.endsWith("/*")
      ? [`src/${room}/*.ts`]
      : room.endsWith(".ts")
        ? [`src/${room}`]
        : [`src/${room}/**/*.ts`];
    return { files, rules: { "no-restricted-imports": ["error", { patterns }] } };
  });
}
