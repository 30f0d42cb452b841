/** A GraphQL service of one field in a process of its own: it answers and executes nothing, so that the bench measures its client. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    const { variables } = JSON.parse(body) as { variables?: { key: string } };
    const user = {
      key: variables?.key ?? "",
      id: "MDQ6VXNlcjE=",
      name: "The Octocat",
      bio: "b".repeat(100),
      followers: { totalCount: 9 },
    };
    const content = JSON.stringify({ data: { user } });
    response.writeHead(200, {
      "content-type": "application/graphql-response+json; charset=utf-8",
      "content-length": Buffer.byteLength(content),
    });
    response.end(content);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () =>
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`),
);
process.on("disconnect", () => process.exit());
