import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCapabilities, type Manifest } from "../capability/index.ts";
import type { JsonValue } from "../kernel/index.ts";
import { equalTypes } from "../rtfs/index.ts";
import { capabilityText, moduleText, type NamedDeclaration } from "./capability-text.ts";
import { declareTool, type ListedTool } from "./mcp-tool.ts";
import { completeDeclaration } from "./write-listing.ts";

const createdAt = "2026-01-01T00:00:00.000Z";
const connection = { server_url: "http://127.0.0.1/mcp", headers: { "x-a": "b" } };
const listing = {
  provider: "mcp",
  serverName: "shop",
  fallbackName: "",
  sourceText: "http://127.0.0.1/mcp",
  method: "mcp_introspection",
  noun: "tool",
  operations: [],
};

function declare(id: string, tool: ListedTool): NamedDeclaration {
  return completeDeclaration(
    id,
    tool.name,
    declareTool(tool, connection, () => {}),
    listing,
    createdAt,
  );
}

const providers = { providers: () => ["mcp"], manifestTraits: () => undefined };

function readBack(text: string): readonly Manifest[] {
  const { manifests, errors, warnings } = readCapabilities(text, { trusted: true, providers });
  expect(errors).toEqual([]);
  expect(warnings.filter((warning) => warning.code !== "unknown-type")).toEqual([]);
  return manifests;
}

function expectEqual(manifest: Manifest | undefined, declared: NamedDeclaration): void {
  const { id, name, description, version, effects, metadata } = declared;
  expect(manifest).toMatchObject({ id, name, description, version, effects });
  expect(manifest?.metadata).toEqual(metadata);
  expect(equalTypes(manifest?.inputSchema, declared.inputSchema)).toBe(true);
  expect(equalTypes(manifest?.outputSchema, declared.outputSchema)).toBe(true);
  expect(manifest?.execution).toMatchObject({ kind: "provider", block: { provider: "mcp", requiresSession: "auto" } });
}

const text = fc.string({ unit: "binary" });
const schema: fc.Arbitrary<JsonValue> = fc.letrec<{ schema: JsonValue }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JsonValue>(
      { type: "string" },
      { type: "integer" },
      { type: "number" },
      { type: "boolean" },
      {},
      true,
    ),
    fc
      .array(fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)), { minLength: 1, maxLength: 4 })
      .map((list) => ({ enum: list })),
    tie("schema").map((items) => ({ type: "array", items })),
    fc
      .dictionary(text, tie("schema"), { maxKeys: 4 })
      .map((properties) => ({ type: "object", properties, required: Object.keys(properties).slice(0, 2) })),
  ),
})).schema;
const listedTool: fc.Arbitrary<ListedTool> = fc.record(
  {
    name: text,
    title: text,
    description: text,
    inputSchema: schema,
    outputSchema: schema,
    annotations: fc.record(
      { readOnlyHint: fc.boolean(), idempotentHint: fc.boolean(), title: text },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["name"] },
);

describe("a declaration written as text", () => {
  it("reads back as the same, whatever a server said", () => {
    fc.assert(
      fc.property(listedTool, (tool) => {
        const declared = declare("mcp.shop.tool", tool);
        const manifests = readBack(capabilityText(declared));
        expect(manifests).toHaveLength(1);
        expectEqual(manifests[0], declared);
      }),
    );
  });

  it("reads back as the same from a module", () => {
    fc.assert(
      fc.property(fc.array(listedTool, { maxLength: 4 }), text, (tools, said) => {
        const declared = tools.map((tool, index) => declare(`mcp.shop.tool-${index}`, tool));
        const name = "mcp-shop-capabilities-module";
        const head = { name, provider: "mcp", server: said, source: said, createdAt };
        const manifests = readBack(moduleText(head, declared));
        expect(manifests).toHaveLength(tools.length);
        declared.forEach((one, index) => expectEqual(manifests[index], one));
      }),
      { numRuns: 50 },
    );
  });

  it("keeps the raw schema as JSON that says the same, with nothing invisible in it", () => {
    const inputSchema = {
      type: "object",
      description: "a\u202eb\u200bc\u2028d",
      properties: { 'é"\\': { const: 12345678901234567890n } },
    };
    const { metadata } = declare("x", { name: "x", inputSchema });
    const { input_schema_json: json } = metadata["mcp"] as { input_schema_json: string };
    expect(json).not.toMatch(/[\u202e\u200b\u2028]/);
    expect(json).toContain("12345678901234567890");
    expect(JSON.parse(json)).toMatchObject({ description: inputSchema.description });
  });

  it("leaves out a raw schema that is too long, and says so", () => {
    const warnings: string[] = [];
    const inputSchema = { type: "object", description: "x".repeat(600_000) };
    const declared = declareTool({ name: "x", inputSchema }, connection, (message) => warnings.push(message));
    expect(declared.metadata["mcp"]).not.toHaveProperty("input_schema_json");
    expect(warnings).toEqual([expect.stringContaining("its schema of")]);
  });
});
