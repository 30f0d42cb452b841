import {
  createRedactor,
  fail,
  getOwn,
  isJsonObject,
  oneLine,
  type JsonObject,
  type JsonValue,
} from "../kernel/index.ts";
import type { Warn } from "./declaration.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import type { FoundOperation } from "./openapi-operations.ts";

/** The addresses that operations are called at. */
export interface Servers {
  /** The address below which the operation's path stands. Throws `invalid-argument` where there is none. */
  readonly baseOf: (found: FoundOperation) => URL;
  /** The address of the service as a whole: credentials are meant for its origin. Undefined where it has none. */
  readonly main: URL | undefined;
}

/** Reads the servers of a description; one that a person gives stands for all of them. */
export function readServers(document: OpenApiDocument, given: string | undefined, from: URL, warn: Warn): Servers {
  if (given !== undefined) {
    const main = checkedServer(given, undefined, "--server");
    return { main, baseOf: () => main };
  }
  const declared = listOf(document.root);
  const several = declared.length > 1;
  let main: URL | undefined;
  let why: unknown;
  try {
    main = firstServer(declared, from);
  } catch (error) {
    // It matters only to operations that have no server of their own.
    why = error;
  }
  if (several && main !== undefined) {
    const others = declared.slice(1, 4).map((server) => shown(textOf(server)));
    warn(
      `There are ${declared.length} servers; the files name ${shown(main.href)}. Others: ${others.join(", ")}. Choose with --server.`,
    );
  }
  return {
    main,
    baseOf({ operation, item }) {
      const own = [operation, item].map(listOf).find((servers) => servers.length > 0);
      if (own !== undefined) return firstServer(own, from);
      if (main === undefined) throw why;
      return main;
    },
  };
}

function listOf(holder: JsonObject): JsonValue[] {
  const servers = getOwn<JsonValue>(holder, "servers");
  return Array.isArray(servers) ? servers : [];
}

function textOf(server: JsonValue): string {
  const url = isJsonObject(server) ? getOwn<JsonValue>(server, "url") : undefined;
  return typeof url === "string" ? url : "";
}

/** Without servers, the service is at the root of where its description is (OpenAPI 3.1, section 4.8.1). */
function firstServer([server = { url: "/" }]: readonly JsonValue[], from: URL): URL {
  const url = textOf(server);
  return checkedServer(isJsonObject(server) ? filled(url, server) : url, from, "The description");
}

/** The template with the defaults of its variables. */
function filled(url: string, server: JsonObject): string {
  const variables = getOwn<JsonValue>(server, "variables");
  return url.replace(/\{([^{}]*)\}/g, (whole, name: string) => {
    const variable = isJsonObject(variables) ? getOwn<JsonValue>(variables, name) : undefined;
    if (!isJsonObject(variable)) return whole;
    const first = Array.isArray(variable["enum"]) ? variable["enum"][0] : undefined;
    const value = getOwn<JsonValue>(variable, "default") ?? first;
    return typeof value === "string" || typeof value === "number" ? String(value) : whole;
  });
}

const REMEDY = "Name the address of the service with --server.";

function checkedServer(text: string, from: URL | undefined, who: string): URL {
  const given = text.trim();
  if (/[{}]/.test(given)) {
    fail("invalid-argument", `${who} names the server ${shown(given)}, whose variables have no values.`, {
      remedy: REMEDY,
    });
  }
  const isRelative = !/^[a-z][a-z0-9+.-]*:/i.test(given) && !given.startsWith("//");
  if (isRelative && (from === undefined || from.protocol === "file:")) {
    const what = given === "" || given === "/" ? "no server" : `the server ${shown(given)}, which is no whole address`;
    fail("invalid-argument", `${who} names ${what}.`, { remedy: REMEDY });
  }
  const isFile = from === undefined || from.protocol === "file:";
  const whole = isFile && given.startsWith("//") ? `https:${given}` : given;
  const url = URL.parse(whole, isFile ? undefined : from.href);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return fail("invalid-argument", `${who} names the server ${shown(given)}, which is no http(s) address.`, {
      remedy: REMEDY,
    });
  }
  if (url.username !== "" || url.password !== "") {
    fail("invalid-argument", `${who} names a server with credentials in its address, ${oneLine(url.host, 200)}.`, {
      remedy: REMEDY,
    });
  }
  url.hash = "";
  url.search = "";
  return url;
}

function shown(text: string): string {
  return oneLine(createRedactor().redact(text), 200);
}
