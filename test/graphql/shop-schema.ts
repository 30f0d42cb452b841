import { GraphQLError } from "graphql";
import { createSchema } from "graphql-yoga";

/** Text, as schemas of one copy of the graphql package are of no use to another. */
export const SHOP = /* GraphQL */ `
  "How far an order has come."
  enum State {
    OPEN
    CLOSED
  }
  input Line {
    sku: ID!
    amount: Int! = 1
    gift: Gift
  }
  input Gift {
    to: String!
    line: Line
  }
  interface Node {
    id: ID!
  }
  type Order implements Node {
    id: ID!
    state: State!
    total: Float
    customer: Customer
    secret: String
  }
  type Customer implements Node {
    id: ID!
    name: String!
    orders: [Order!]!
  }
  union Found = Order | Customer
  type Query {
    "One order."
    order("The id of the order." id: ID!): Order
    orders(state: State, tags: [String!]): [Order!]!
    search(text: String!): [Found!]!
    old: String @deprecated(reason: "Use order.")
    boom: String
    slow(ms: Int!): Int
  }
  type Mutation {
    place(lines: [Line!]!, note: String): Order!
    order(id: ID!, state: State!): Order
  }
  type Subscription {
    "Counts up to a number."
    count(to: Int!): Int!
    ticks: String!
    broken: Int!
  }
`;

const order = (id: string): object => ({
  id,
  state: "OPEN",
  total: 2.5,
  customer: { id: "c1", name: "Ann", orders: [] },
});

/** A small shop, with everything a schema may have. `ran` counts mutations, `open` subscriptions that go on. */
export function createShop(): {
  schema: ReturnType<typeof createSchema>;
  ran: string[];
  open: { ticks: number; sent: number };
} {
  const ran: string[] = [];
  const open = { ticks: 0, sent: 0 };
  const schema = createSchema({
    typeDefs: SHOP,
    resolvers: {
      Found: { __resolveType: (value: object) => ("name" in value ? "Customer" : "Order") },
      Node: { __resolveType: () => "Order" },
      Order: {
        secret: () => {
          throw new GraphQLError("Not for you.", { extensions: { code: "FORBIDDEN" } });
        },
      },
      Query: {
        order: (_root: unknown, { id }: { id: string }) => (id === "none" ? null : order(id)),
        orders: (_root: unknown, { state }: { state?: string }) => [{ ...order("o1"), state: state ?? "OPEN" }],
        search: () => [order("o1"), { id: "c1", name: "Ann", orders: [] }],
        old: () => "old",
        boom: () => {
          throw new Error("It broke.");
        },
        slow: (_root: unknown, { ms }: { ms: number }) => new Promise((resolve) => setTimeout(resolve, ms, ms)),
      },
      Mutation: {
        place: (_root: unknown, { lines }: { lines: { sku: string }[] }) => {
          ran.push(lines.map(({ sku }) => sku).join(","));
          return order("o2");
        },
        order: (_root: unknown, { id, state }: { id: string; state: string }) => ({ ...order(id), state }),
      },
      Subscription: {
        count: {
          async *subscribe(_root: unknown, { to }: { to: number }) {
            for (let count = 1; count <= to; count++) yield { count };
          },
        },
        ticks: {
          async *subscribe() {
            open.ticks++;
            try {
              for (;;) {
                await new Promise((resolve) => setImmediate(resolve));
                open.sent++;
                yield { ticks: "x".repeat(2_000) };
              }
            } finally {
              open.ticks--;
            }
          },
        },
        broken: {
          async *subscribe() {
            yield { broken: 1 };
            yield { broken: "no number" };
            yield { broken: 3 };
          },
        },
      },
    },
  });
  return { schema, ran, open };
}
