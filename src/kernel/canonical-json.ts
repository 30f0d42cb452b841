const MOST_DEPTH = 200;

/**
 * One text for equal JSON values, whatever the order of their keys. Undefined for what has no such text: what is
 * no JSON, and what is nested more than 200 deep.
 */
export function canonicalJson(value: unknown): string | undefined {
  const parts: string[] = [];
  return write(value, parts, 0) ? parts.join("") : undefined;
}

function write(value: unknown, parts: string[], depth: number): boolean {
  switch (typeof value) {
    case "string":
      parts.push(JSON.stringify(value));
      return true;
    case "boolean":
    case "bigint":
      parts.push(String(value));
      return true;
    case "number":
      // Adding 0 makes -0 the 0 that JSON writes it as.
      parts.push(String(value + 0));
      return Number.isFinite(value);
    case "object":
      if (value === null) parts.push("null");
      else if (depth >= MOST_DEPTH) return false;
      else if (Array.isArray(value)) return writeList(value, parts, depth);
      else return writeObject(value, parts, depth);
      return true;
    default:
      return false;
  }
}

function writeList(list: readonly unknown[], parts: string[], depth: number): boolean {
  parts.push("[");
  for (const item of list) {
    if (!write(item, parts, depth + 1)) return false;
    parts.push(",");
  }
  parts.push("]");
  return true;
}

function writeObject(object: object, parts: string[], depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  // A date or a map is no JSON: two of them that differ could be written alike.
  if (prototype !== Object.prototype && prototype !== null) return false;
  parts.push("{");
  for (const key of Object.keys(object).sort()) {
    const value = (object as Record<string, unknown>)[key];
    if (value === undefined) continue;
    parts.push(JSON.stringify(key), ":");
    if (!write(value, parts, depth + 1)) return false;
    parts.push(",");
  }
  parts.push("}");
  return true;
}
