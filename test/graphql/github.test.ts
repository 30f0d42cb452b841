import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildSchema,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
  validate,
  type GraphQLInputType,
} from "graphql";
import { createSchema } from "graphql-yoga";
import { describe, expect, test } from "vitest";
import { createEnvironment } from "../../src/environment.ts";
import { importGraphql } from "../../src/importers/index.ts";
import { getOwn, isCcosError, isJsonObject, type JsonValue } from "../../src/kernel/index.ts";
import { peerFile, peersInstalled, requirePeer } from "../peers/peers.ts";
import { repository } from "../run-process.ts";
import { startCannedServer } from "./canned-server.ts";
import { startYoga } from "./yoga-server.ts";

const FILES = join(repository, "capabilities", "github-graphql");
const TOKEN = "ghp_example";

/** What GitHub has of what the files ask for. */
const PART = /* GraphQL */ `
  enum IssueState {
    OPEN
    CLOSED
  }
  enum PullRequestState {
    OPEN
    CLOSED
    MERGED
  }
  enum IssueOrderField {
    CREATED_AT
  }
  enum OrderDirection {
    ASC
    DESC
  }
  input IssueOrder {
    field: IssueOrderField!
    direction: OrderDirection!
  }
  input CreateIssueInput {
    repositoryId: ID!
    title: String!
    body: String
  }
  scalar URI
  scalar DateTime
  type Query {
    viewer: User!
    user(login: String!): User
    repository(owner: String!, name: String!): Repository
    rateLimit: RateLimit
  }
  type Mutation {
    createIssue(input: CreateIssueInput!): CreateIssuePayload
  }
  type CreateIssuePayload {
    issue: Issue
  }
  type RateLimit {
    limit: Int!
    cost: Int!
    remaining: Int!
    resetAt: DateTime!
  }
  type Count {
    totalCount: Int!
  }
  type Named {
    name: String!
  }
  type User {
    id: ID!
    login: String!
    name: String
    bio: String
    company: String
    location: String
    email: String!
    url: URI!
    createdAt: DateTime!
    followers: Count!
    repositories: Count!
  }
  type Repository {
    id: ID!
    nameWithOwner: String!
    description: String
    url: URI!
    isPrivate: Boolean!
    isArchived: Boolean!
    stargazerCount: Int!
    forkCount: Int!
    createdAt: DateTime!
    pushedAt: DateTime
    defaultBranchRef: Named
    primaryLanguage: Named
    issues(first: Int, after: String, states: [IssueState!], labels: [String!], orderBy: IssueOrder): Issues!
    pullRequests(states: [PullRequestState!]): Count!
  }
  type Issues {
    totalCount: Int!
    pageInfo: PageInfo!
    nodes: [Issue]
  }
  type PageInfo {
    hasNextPage: Boolean!
    endCursor: String
  }
  type Issue {
    id: ID!
    number: Int!
    title: String!
    state: IssueState!
    url: URI!
    createdAt: DateTime!
    author: Actor
    labels(first: Int): Labels
    comments: Count!
  }
  type Actor {
    login: String!
  }
  type Labels {
    nodes: [Named]
  }
`;

const AT = "2026-01-01T00:00:00Z";
const USER = {
  ...{ id: "U_1", login: "octocat", name: "The Octocat", email: "o@example.com", url: "https://github.com/octocat" },
  ...{ createdAt: AT, followers: { totalCount: 9 }, repositories: { totalCount: 8 } },
};

function githubSchema(): ReturnType<typeof createSchema> {
  const issue = (number: number, title: string, state: string): object => ({
    ...{ id: `I_${number}`, number, title, state, url: `https://github.com/i/${number}`, createdAt: AT },
    ...{ author: { login: "octocat" }, labels: { nodes: [{ name: "bug" }] }, comments: { totalCount: 0 } },
  });
  return createSchema({
    typeDefs: PART,
    resolvers: {
      Query: {
        viewer: () => USER,
        user: (_root: unknown, { login }: { login: string }) => (login === "octocat" ? USER : null),
        repository: (_root: unknown, { owner, name }: { owner: string; name: string }) => ({
          ...{ id: "R_1", nameWithOwner: `${owner}/${name}`, url: "https://github.com/r", isPrivate: false },
          ...{ isArchived: false, stargazerCount: 1, forkCount: 0, createdAt: AT, pullRequests: { totalCount: 0 } },
          issues: ({ states, first }: { states?: string[]; first: number }) => ({
            totalCount: 40,
            pageInfo: { hasNextPage: true, endCursor: "c" },
            nodes: Array.from({ length: first }, (_, index) => issue(index + 1, "Broken", states?.[0] ?? "OPEN")),
          }),
        }),
        rateLimit: () => ({
          limit: 5000,
          cost: 1,
          remaining: 4999,
          resetAt: new Date(Date.now() + 60_000).toISOString(),
        }),
      },
      Mutation: {
        createIssue: (_root: unknown, { input }: { input: { title: string } }) => ({
          issue: issue(7, input.title, "OPEN"),
        }),
      },
    },
  });
}

describe("the capabilities for GitHub's GraphQL service", () => {
  test("are called with the token of their variable, on one session", async () => {
    await using server = await startYoga({ schema: githubSchema(), token: TOKEN });
    const env = { GITHUB_GRAPHQL_TOKEN: TOKEN, GITHUB_GRAPHQL_URL: server.url };
    const environment = await createEnvironment({ capabilities: [FILES], config: {}, env });
    const first = await environment.callDetailed("graphql.github.user", { login: "octocat" });
    expect(first.value).toMatchObject({ login: "octocat", name: "The Octocat", followers: { totalCount: 9 } });
    const second = await environment.callDetailed("graphql.github.viewer", {});
    expect(second).toMatchObject({ value: { login: "octocat" }, session: { id: first.session?.id, reused: true } });
    expect(await environment.call("graphql.github.user", { login: "nobody" })).toBeNull();
    expect(await environment.call("graphql.github.repository", { owner: "acme", name: "site" })).toMatchObject({
      nameWithOwner: "acme/site",
    });
    const issues = { owner: "acme", repo: "site", states: ["CLOSED"], first: 2 };
    expect(await environment.call("graphql.github.issues", issues)).toMatchObject({
      issues: { totalCount: 40, nodes: [{ number: 1, state: "CLOSED" }, { number: 2 }] },
    });
    expect(await environment.call("graphql.github.create_issue", { repository_id: "R_1", title: "New" })).toMatchObject(
      {
        issue: { number: 7, title: "New" },
      },
    );
    expect(await environment.call("graphql.github.rate_limit", {})).toMatchObject({ remaining: 4999 });
    expect(environment.sessions.list()).toHaveLength(1);
    await environment.close();
  });

  test("as the guide declares one, with nothing but its metadata", async () => {
    await using server = await startYoga({ schema: githubSchema(), token: TOKEN });
    const environment = await createEnvironment({ capabilities: [], config: {}, env: { GITHUB_GRAPHQL_TOKEN: TOKEN } });
    await environment.capabilities.load(`(capability "graphql.github.user"
      :description "A user"
      :metadata {
        :graphql {
          :requires_session "true"
          :endpoint "${server.url}"
          :auth_env_var "GITHUB_GRAPHQL_TOKEN"
        }
      })`);
    expect(await environment.run('(get (call "graphql.github.user" {:login "octocat"}) :name)')).toBe("The Octocat");
    await environment.close();
  });

  test("name the variable where its token is missing or refused", async () => {
    await using server = await startYoga({ schema: githubSchema(), token: TOKEN });
    for (const [token, remedy] of [
      [undefined, "No token was sent. Set GITHUB_GRAPHQL_TOKEN"],
      ["ghp_expired", "The token in GITHUB_GRAPHQL_TOKEN was refused"],
    ] as const) {
      const env = { GITHUB_GRAPHQL_TOKEN: token, GITHUB_GRAPHQL_URL: server.url };
      const environment = await createEnvironment({ capabilities: [FILES], config: {}, env });
      const thrown = await environment.call("graphql.github.viewer", {}).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: "unauthenticated", remedy: expect.stringContaining(remedy) });
      expect(JSON.stringify(thrown)).not.toContain("ghp_expired");
      await environment.close();
    }
  });
});

interface Mocking {
  addMocksToSchema(options: object): object;
}
interface Executing {
  graphql(request: object): Promise<{ readonly errors?: readonly object[] }>;
  buildSchema(text: string, options: object): { getTypeMap(): Record<string, { readonly name: string }> };
}

describe.skipIf(!peersInstalled)("GitHub's whole schema (needs npm run peers)", () => {
  test("has everything that the capabilities ask for", async () => {
    const schema = buildSchema(await readFile(peerFile("@octokit/graphql-schema", "schema.graphql"), "utf8"), {
      assumeValid: true,
      assumeValidSDL: true,
    });
    const environment = await createEnvironment({ capabilities: [FILES], config: {} });
    for (const manifest of environment.capabilities.list()) {
      const block = getOwn(manifest.metadata, "graphql");
      if (isJsonObject(block)) expect(validate(schema, parse(String(block["operation"])))).toEqual([]);
    }
    await environment.close();
  });

  test(
    "mocked by a server that validates: 200 of its imported operations are called, and none is invalid",
    { timeout: 120_000 },
    async () => {
      const sdl = await readFile(peerFile("@octokit/graphql-schema", "schema.graphql"), "utf8");
      const loose = { assumeValid: true, assumeValidSDL: true };
      const schema = buildSchema(sdl, loose);
      const { addMocksToSchema } = requirePeer("@graphql-tools/mock") as Mocking;
      const { graphql, buildSchema: build } = requirePeer("graphql") as Executing;
      const theirs = build(sdl, loose);
      const scalars = Object.keys(theirs.getTypeMap()).filter(
        (name) => /^[A-Z]/.test(name) && sdl.includes(`scalar ${name}\n`),
      );
      const mocks = Object.fromEntries(scalars.map((name) => [name, () => AT]));
      const mocked = addMocksToSchema({ schema: theirs, mocks });
      const invalid: unknown[] = [];
      await using server = await startCannedServer(async ({ asked }) => {
        const { query: source, variables: variableValues, operationName } = asked;
        const json = await graphql({ schema: mocked, source, variableValues, operationName });
        if (json.errors !== undefined) invalid.push([source, json.errors[0]]);
        return { json };
      });
      const out = await mkdtemp(join(tmpdir(), "ccos-github-"));
      const { capabilities } = await importGraphql({
        source: peerFile("@octokit/graphql-schema", "schema.graphql"),
        endpoint: server.url,
        out,
        prefix: "g",
      });
      const environment = await createEnvironment({ capabilities: [out], config: {} });
      const fields = { ...schema.getMutationType()?.getFields(), ...schema.getQueryType()?.getFields() };
      let called = 0;
      for (const id of capabilities.slice(0, 200)) {
        const field = fields[id.slice(2)];
        const input: Record<string, JsonValue> = {};
        for (const { name, type } of field?.args.filter(isRequiredArgument) ?? []) input[name] = sample(type);
        const outcome = await environment.call(id, input).catch((error: unknown) => error);
        if (isCcosError(outcome)) invalid.push([id, outcome.message]);
        called++;
      }
      await environment.close();
      await rm(out, { recursive: true });
      expect(invalid).toEqual([]);
      expect(called).toBe(200);
    },
  );
});

/** A value of a type, with what has to be there and no more. */
function sample(type: GraphQLInputType): JsonValue {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [sample(nullable.ofType as GraphQLInputType)];
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name ?? null;
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields()).filter(isRequiredInputField);
    return Object.fromEntries(fields.map((field) => [field.name, sample(field.type)]));
  }
  const samples: Record<string, JsonValue> = { Int: 1, Float: 1.5, Boolean: true };
  return samples[(nullable as { name: string }).name] ?? AT;
}
