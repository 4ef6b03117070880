// The client of src/live/client.js against a socket that a test speaks for. `./x test` runs it where there is Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

const source = readFileSync(new URL("../../src/live/client.js", import.meta.url), "utf8");
const { connect } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

let sockets, live;

class FakeSocket {
  constructor(url, protocols) {
    Object.assign(this, { url: new URL(url), protocols, readyState: 0, sent: [], closed: false });
    sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; this.readyState = 3; }
  open() { this.readyState = 1; this.onopen(); }
  tell(...frames) { for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) }); }
}

const event = (sequence) => ({ specversion: "1.0", type: "switchboard.message.sent.v1", sequence });
const position = (sequence) => ({ op: "position", sequence });
// Lets promises settle that wait for a ticket.
const settle = async () => { for (let turn = 0; turn < 10; turn++) await Promise.resolve(); };

async function begin(more = {}) {
  const seen = { events: [], resyncs: [], statuses: [], tickets: 0 };
  live = connect({
    ticket: async () => `t${++seen.tickets}`,
    event: ({ sequence }) => seen.events.push(sequence),
    resync: (sequence) => seen.resyncs.push(sequence),
    status: (status) => seen.statuses.push(status),
    url: "ws://example.com/api/v1/ws",
    ...more,
  });
  await settle();
  return seen;
}

// Nothing is heard for 45 seconds: in steps, for what a timer sets is due after the step.
function silence() {
  for (let step = 0; step < 9; step++) mock.timers.tick(5_000);
}

async function comeBack() {
  mock.timers.tick(30_000);
  await settle();
  return sockets.at(-1);
}

beforeEach(() => {
  sockets = [];
  globalThis.WebSocket = FakeSocket;
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});
afterEach(() => {
  live.close();
  mock.timers.reset();
});

test("it comes in with a ticket and goes on where it was", async () => {
  const seen = await begin({ types: ["message.*", "lead.assigned"] });
  const [first] = sockets;
  assert.deepEqual(first.protocols, ["switchboard.v1", "ticket.t1"]);
  assert.equal(first.url.searchParams.get("types"), "message.*,lead.assigned");
  assert.equal(first.url.searchParams.has("since"), false, "from now on");
  first.open();
  first.tell(position(4), event(5), position(7));
  first.onclose({ code: 1013, reason: "you read too slowly" });
  const second = await comeBack();
  assert.deepEqual(second.protocols, ["switchboard.v1", "ticket.t2"], "a ticket is good once");
  assert.equal(second.url.searchParams.get("since"), "7");
  second.open();
  second.tell(event(7), event(8), event(8), position(9), position(10));
  assert.deepEqual(seen.events, [5, 8], "each once");
  assert.deepEqual(seen.statuses, ["connecting", "open", "waiting", "connecting", "open"]);
});

test("what is not kept any more is said", async () => {
  const seen = await begin({ since: 90 });
  sockets[0].open();
  assert.deepEqual(seen.statuses, ["connecting"], "it does not know yet how far it is");
  sockets[0].tell({ op: "resync", sequence: 12 }, event(13));
  assert.deepEqual(seen.statuses, ["connecting", "open"]);
  assert.deepEqual([seen.resyncs, seen.events, live.sequence], [[12], [13], 13]);
});

test("it says that it is there, what it has dealt with, and comes back when nothing is heard", async () => {
  await begin();
  const [first] = sockets;
  first.open();
  first.tell(position(3));
  mock.timers.tick(15_000);
  assert.deepEqual(first.sent, [{ op: "ping" }, { op: "ack", sequence: 3 }]);
  live.subscribe({ types: ["call.*"] });
  assert.deepEqual(first.sent.at(-1), { op: "subscribe", types: ["call.*"], resources: [] });
  silence();
  assert.equal(first.closed, true);
  const second = await comeBack();
  assert.equal(second.url.searchParams.get("types"), "call.*");
});

test("a page that is seldom given time asks before it gives up", async () => {
  const seen = await begin();
  const [first] = sockets;
  // As in a hidden tab: what repeats itself does not run.
  globalThis.setInterval = () => {};
  first.open();
  first.tell(position(3));
  mock.timers.tick(30_000);
  assert.deepEqual(first.sent[0], { op: "ping" });
  first.tell({ op: "pong" });
  mock.timers.tick(30_000);
  assert.equal(first.closed, false);
  mock.timers.tick(15_000);
  assert.equal(first.closed, true, "it was asked and said nothing");
  assert.equal(seen.statuses.at(-1), "waiting");
});

test("what is asked for while it opens is what it is told", async () => {
  await begin({ types: ["lead.*"] });
  live.subscribe({ types: ["call.*"], resources: ["call:1"] });
  assert.equal(sockets[0].closed, true);
  const second = await comeBack();
  assert.equal(second.url.searchParams.get("types"), "call.*");
  assert.equal(second.url.searchParams.get("resources"), "call:1");
});

test("a ticket that nobody answers is asked for again, and comes too late", async () => {
  const answers = [];
  await begin({ ticket: () => new Promise((answer) => answers.push(answer)) });
  silence();
  await comeBack();
  assert.equal(answers.length, 2);
  answers[0]("late");
  await settle();
  assert.equal(sockets.length, 0);
  answers[1]("t2");
  await settle();
  assert.deepEqual(sockets.map(({ protocols }) => protocols[1]), ["ticket.t2"]);
});

test("a ticket that is refused is asked for again, each time later, and not after the end", async () => {
  let asked = 0;
  await begin({ ticket: async () => { asked++; throw new Error("refused"); } });
  mock.method(Math, "random", () => 0.999);
  const waits = [];
  for (let turn = 0; turn < 9; turn++) {
    const before = asked;
    let waited = 0;
    while (asked === before) {
      mock.timers.tick(250);
      waited += 250;
      await settle();
    }
    waits.push(waited);
  }
  Math.random.mock.restore();
  assert.ok(waits.every((wait, at) => at === 0 || wait >= waits[at - 1]), `${waits}`);
  assert.ok(waits.at(-1) > 25_000 && waits.at(-1) <= 30_000, `${waits}`);
  const before = asked;
  live.close();
  mock.timers.tick(60_000);
  await settle();
  assert.equal(asked, before);
});
