const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  throw new Error(
    `The tests need Node 24.15 or newer and run on ${process.versions.node}. ` +
      "Start them with `npm test`, which uses the Node that `npm ci` installed.",
  );
}
