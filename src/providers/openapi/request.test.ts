import { describe, expect, it } from "vitest";
import { isCcosError, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { capabilityOf } from "../../../testing/drive-handler.ts";
import { readOperation } from "./read-operation.ts";
import { urlOfRequest, writeRequest, type OperationRequest } from "./request.ts";

function write(block: JsonObject, input: JsonValue): OperationRequest {
  return writeRequest(readOperation(capabilityOf("openapi", block)), input, "a.b");
}

function refusal(block: JsonObject, input: JsonValue): string {
  try {
    write(block, input);
  } catch (error) {
    if (isCcosError(error) && error.code === "invalid-argument") return `${error.message} ${error.remedy}`;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("writing a call as a request", () => {
  it("puts each parameter where it is declared, and the body apart from them", () => {
    const block: JsonObject = {
      path: "/users/{id}/photos",
      method: "post",
      parameters: [
        { name: "id", in: "path" },
        { name: "id", in: "query", as: "id_query" },
        { name: "tags", in: "query", explode: false },
        { name: "X-Trace", in: "header" },
        { name: "theme", in: "cookie" },
        { name: "filter", in: "query", content: "application/json" },
      ],
      request_body: { required: true },
    };
    const request = write(block, {
      id: "a/b",
      id_query: 7,
      tags: ["x", "y z"],
      "X-Trace": "t",
      theme: "da;rk",
      filter: { a: [1] },
      body: { id: "in the body", big: 2n ** 60n },
    });
    expect(request).toMatchObject({
      method: "POST",
      path: "/users/a%2Fb/photos",
      query: "id=7&tags=x,y%20z&filter=%7B%22a%22%3A%5B1%5D%7D",
      cookies: "theme=da%3Brk",
      body: '{"id":"in the body","big":1152921504606846976}',
    });
    expect({ ...request.headers }).toMatchObject({ "x-trace": "t", "content-type": "application/json" });
  });

  it("writes the styles of paths, and leaves slashes where the template wants them", () => {
    expect(write({ path: "/a/{+name}/b" }, { name: "projects/p 1" }).path).toBe("/a/projects/p%201/b");
    const styled = (style: string, explode: boolean): string =>
      write({ path: "/x{v}", parameters: [{ name: "v", in: "path", style, explode }] }, { v: { a: 1, b: 2 } }).path;
    expect(styled("label", true)).toBe("/x.a=1.b=2");
    expect(styled("matrix", true)).toBe("/x;a=1;b=2");
    expect(styled("matrix", false)).toBe("/x;v=a,1,b,2");
    expect(styled("simple", false)).toBe("/xa,1,b,2");
  });

  it("never lets a value lead to another place than its own", () => {
    const block: JsonObject = { path: "/users/{id}", method: "DELETE", parameters: [{ name: "id", in: "path" }] };
    expect(refusal(block, { id: "" })).toContain("is empty");
    expect(refusal(block, { id: [] })).toContain("is empty");
    for (const id of [".", ".."]) expect(refusal(block, { id })).toContain("step of the path");
    expect(refusal({ path: "/x/{+id}" }, { id: "a/../../admin" })).toContain("step of the path");
    expect(write(block, { id: "../admin?x#y" }).path).toBe("/users/..%2Fadmin%3Fx%23y");
    expect(write({ path: "/x/{+id}" }, { id: "a?b#c" }).path).toBe("/x/a%3Fb%23c");
  });

  it("takes what nothing is declared for as path, query or body, by the method", () => {
    expect(write({ path: "/users/{id}" }, { id: 1, page: 2 })).toMatchObject({ path: "/users/1", query: "page=2" });
    const posted = write({ path: "/users/{id}", method: "POST" }, { id: 1, name: "Ada" });
    expect(posted).toMatchObject({ path: "/users/1", query: "", body: '{"name":"Ada"}' });
    expect(write({ path: "/users/{id}", method: "POST" }, { id: 1 }).body).toBeUndefined();
  });

  it("sends what is fixed with every call", () => {
    expect(write({ path: "/w?v=1", query: { current: true, tags: ["a", "b"], no: null } }, { x: 1 })).toMatchObject({
      path: "/w",
      query: "v=1&current=true&tags=a&tags=b&x=1",
    });
  });

  it("refuses what is missing, unknown or of the wrong kind, and says what there is", () => {
    const block: JsonObject = {
      path: "/users/{id}",
      parameters: [
        { name: "id", in: "path" },
        { name: "per_page", in: "query" },
        { name: "q", in: "query", required: true },
      ],
    };
    expect(refusal(block, { id: 1 })).toContain(':q of "a.b" is missing');
    expect(refusal(block, { q: "x" })).toContain(':id of "a.b" is missing');
    expect(refusal(block, { id: 1, q: null })).toContain("missing");
    expect(refusal(block, { id: 1, q: "x", per_pge: 5 })).toContain('Did you mean "per_page"?');
    expect(refusal(block, [1])).toContain("takes a map");
    expect(refusal(block, { id: 1, q: [] })).toContain(':q of "a.b" is empty');
    expect(refusal({ ...block, request_body: { required: true } }, { id: 1, q: "x" })).toContain(":body");
  });

  it("refuses values that would begin another header", () => {
    const block: JsonObject = { path: "/", parameters: [{ name: "X-A", in: "header" }] };
    expect(refusal(block, { "X-A": "a\r\nx-admin: 1" })).toContain("no header can carry");
    expect(write(block, { "X-A": ["a", 1, true] }).headers["x-a"]).toBe("a,1,true");
  });

  it("asks for the media types that are declared, JSON first, and for another where the caller wants it", () => {
    const block: JsonObject = {
      path: "/",
      parameters: [],
      responses: { "200": { content: ["text/csv", "application/json"] }, "404": { content: ["text/plain"] } },
      accept_as: "format",
    };
    expect(write(block, {}).headers["accept"]).toBe("application/json, text/csv");
    expect(write(block, { format: "text/csv" }).headers["accept"]).toBe("text/csv");
    expect(refusal(block, { format: "no type" })).toContain("no media type");
    expect(write({ path: "/", accept: "image/png" }, {}).headers["accept"]).toBe("image/png");
    expect(write({ path: "/" }, {}).headers["accept"]).toBe("application/json, */*;q=0.5");
  });

  it("adds to the query of the base URL", () => {
    const url = urlOfRequest({ base: "https://x/v1", baseQuery: "key=1" }, { path: "/a", query: "b=2" });
    expect(url.href).toBe("https://x/v1/a?key=1&b=2");
  });

  it("takes names that are keys of every object for what they are", () => {
    const parameters = ["__proto__", "constructor", "toString"].map((name) => ({ name, in: "query" }));
    expect(write({ path: "/", parameters }, {}).query).toBe("");
    expect(write({ path: "/", parameters }, JSON.parse('{"__proto__": 1, "toString": 2}') as JsonObject).query).toBe(
      "__proto__=1&toString=2",
    );
  });
});

describe("reading a block", () => {
  const complaint = (block: JsonObject): string => refusal(block, {});

  it.each<[JsonObject, string]>([
    [{ method: "GET /x" }, ":method"],
    [{ method: "CONNECT" }, ":method"],
    [{ path: "/a b" }, ":path"],
    [{ path: "/a#b" }, ":path"],
    [{ path: "/a/../b" }, ":path"],
    [{ parameters: {} }, ":parameters is no vector"],
    [{ parameters: [{ in: "query" }] }, "parameter 1: it has no :name"],
    [{ parameters: [{ name: "a", in: "body" }] }, ":in is none of"],
    [{ parameters: [{ name: "a", in: "query", style: "label" }] }, ":style of a parameter in the query"],
    [{ parameters: [{ name: "a b", in: "header" }] }, "no name of a header"],
    [
      {
        parameters: [
          { name: "a", in: "path" },
          { name: "a", in: "query" },
        ],
      },
      "two parameters are the key",
    ],
    [{ request_body: "x" }, ":request_body is no map"],
    [{ request_body: { content: {} } }, "is empty"],
    [{ request_body: { content: { "no type": {} } } }, "no media type"],
    [{ responses: { ok: {} } }, "no status"],
    [{ accept: "no type" }, ":accept"],
    [{ result: "all" }, ":result"],
    [{ idempotency_key: "no header" }, ":idempotency_key"],
    [{ pagination: { cursor_param: "after" } }, "names no :cursor_path"],
    [{ pagination: { cursor_param: "after", cursor_path: "a..b" } }, "no path"],
    [{ pagination: { kind: "guess" } }, ":kind of :pagination"],
    [{ pagination: { max_pages: 0 } }, ":max_pages"],
    [{ query: { a: { b: 1 } } }, ":query"],
  ])("says what is wrong with %j", (block, words) => {
    expect(complaint({ path: "/", ...block })).toContain(words);
  });

  it("reads blocks of files that were written flat, or with older names", () => {
    const flat = {
      openapi_endpoint_path: "/users/{id}",
      openapi_http_method: "put",
      openapi_parameters: '[{"name":"id","in":"path","as":"user"}]',
    };
    const capability = { ...capabilityOf("openapi", {}), metadata: flat };
    expect(writeRequest(readOperation(capability), { user: 3 }, "a.b")).toMatchObject({
      method: "PUT",
      path: "/users/3",
    });
  });

  it("leaves to the handler what a description may not decide", () => {
    const block: JsonObject = {
      path: "/",
      parameters: ["Accept", "Content-Type", "Authorization", "Host", "Transfer-Encoding"].map((name) => ({
        name,
        in: "header",
        required: true,
      })),
    };
    expect(Object.keys(write(block, {}).headers)).toEqual(["accept"]);
  });
});
