// A wire that can be cut: everything that comes to its port goes to the server's, until it does not.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export async function wire(base) {
  const { hostname, port } = new URL(base);
  const open = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) { near.destroy(); return; }
    const far = connect(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.on("error", () => {});
      from.on("close", () => { open.delete(from); to.destroy(); });
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => { whole = false; for (const socket of open) socket.destroy(); };
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend() { whole = true; },
    async close() { cut(); server.close(); await once(server, "close"); },
  };
}
