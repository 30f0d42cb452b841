import { buildSchema, parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import { rootField, writeFieldDocument } from "./field-document.ts";
import type { OperationKind } from "./operation-text.ts";

const schema = buildSchema(`
  interface Actor { login: String! }
  type User implements Actor {
    login: String!, age: Int, old: Int @deprecated, avatar(size: Int): String, secret(key: String!): String,
    friend: User, friends(first: Int): [User!], posts(first: Int, after: String): PostConnection!, org: Org, tags: [String!]!
  }
  type Org implements Actor { login: String!, age: String, owner: User!, empty: Nothing }
  type Nothing { needs(x: Int!): Int }
  type Post { id: ID!, author: Actor }
  type PostConnection { nodes: [Post], edges: [PostEdge], pageInfo: PageInfo!, totalCount: Int }
  type PostEdge { cursor: String!, node: Post }
  type PageInfo { hasNextPage: Boolean!, endCursor: String }
  type Tree { child: TreeConnection, id: ID }
  type TreeConnection { edges: [TreeEdge], pageInfo: PageInfo! }
  type TreeEdge { cursor: String!, node: Tree }
  union Found = User | Org | Post
  type Query {
    user(login: String!, old: Int @deprecated): User, actor: Actor, search(text: String): [Found!]!, version: String
    posts(first: Int): PostConnection, tree: Tree, nothing: Nothing
  }
  type Mutation { rename(from: String!, to: String = "x"): User }
`);

function document(name: string, depth: number, kind: OperationKind = "query"): string {
  const field = rootField(schema, kind, name);
  if (field === undefined) throw new Error(`There is no ${name}.`);
  return writeFieldDocument(schema, kind, field, { depth }).text;
}

describe("a selection by depth", () => {
  test("takes the leaves, and leaves out what is deprecated or needs arguments", () => {
    expect(document("user", 1)).toBe("query user($login: String!) { user(login: $login) { login age avatar tags } }");
  });

  test("takes the leaves of objects at the next level, and no list that is read page by page", () => {
    expect(document("user", 2)).toBe(
      "query user($login: String!) { user(login: $login) { login age avatar friend { login age avatar tags } org { login age } tags } }",
    );
  });

  test("does not count pages as levels, and always takes what leads to the next page", () => {
    expect(document("posts", 1)).toBe(
      "query posts($first: Int) { posts(first: $first) { nodes { id } pageInfo { hasNextPage endCursor } totalCount } }",
    );
  });

  test("takes edges where there are no nodes, and ends although pages within pages count as nothing", () => {
    expect(document("tree", 2)).toBe(
      "query tree { tree { child { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } id } }",
    );
    expect(document("tree", 10).length).toBeLessThan(3_000);
  });

  test("tells the types of an interface apart where it is the result, and elsewhere takes what they share", () => {
    expect(document("actor", 1)).toBe("query actor { actor { __typename login ... on User { age avatar tags } } }");
    expect(document("posts", 2)).toContain("author { __typename login }");
  });

  test("of a union leaves out what its types have under one name with different types", () => {
    expect(document("search", 1)).toBe(
      "query search($text: String) { search(text: $text) { __typename ... on User { login age avatar tags } ... on Org { login } ... on Post { id } } }",
    );
  });

  test("of a leaf is nothing, and of an object without any leaf its type", () => {
    expect(document("version", 3)).toBe("query version { version }");
    expect(document("nothing", 3)).toBe("query nothing { nothing { __typename } }");
  });

  test("makes every argument a variable, those with defaults too", () => {
    expect(document("rename", 1, "mutation")).toMatch(
      /^mutation rename\(\$from: String!, \$to: String\) \{ rename\(from: \$from, to: \$to\)/,
    );
  });

  test("is bounded, level by level", () => {
    const wide = buildSchema(
      `type Query { a: A } type A { ${Array.from({ length: 600 }, (_, index) => `f${index}: Int`).join(" ")} b: B } type B { x: Int }`,
    );
    const field = rootField(wide, "query", "a");
    const { text } = writeFieldDocument(wide, "query", field as NonNullable<typeof field>, { depth: 2 });
    expect(text).toContain("f399");
    expect(text).not.toContain("f400");
    expect(validate(wide, parse(text))).toEqual([]);
  });

  test.each(["user", "actor", "search", "posts", "tree", "nothing", "version"])(
    "of %s is valid at any depth",
    (name) => {
      for (let depth = 1; depth <= 10; depth++) expect(validate(schema, parse(document(name, depth)))).toEqual([]);
    },
  );

  test("may be given in its place, with or without its braces", () => {
    const field = rootField(schema, "query", "user") as NonNullable<ReturnType<typeof rootField>>;
    for (const selection of ["login age", " { login age }"]) {
      const { text } = writeFieldDocument(schema, "query", field, { depth: 2, selection });
      expect(text).toBe("query user($login: String!) { user(login: $login) { login age } }");
    }
  });
});
