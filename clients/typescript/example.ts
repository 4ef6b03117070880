// A client of the API whose types come from openapi.json: logs in, makes a lead safely, writes to it and waits for what becomes
// of that, and is refused once. `./x client ADDRESS` runs it; who logs in is in SWITCHBOARD_TENANT, SWITCHBOARD_EMAIL and
// SWITCHBOARD_PASSWORD. The tenant needs an account that sends e-mail, for example a sandbox.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated/api.js";

type Problem = components["schemas"]["Problem"];
type MessageStatus = components["schemas"]["MessageStatus"];

const PATIENCE_MS = 60_000;
/** Where a message is not yet where it stays. */
const UNDER_WAY: ReadonlySet<MessageStatus> = new Set<MessageStatus>(["pending", "queued", "sending"]);

/** A refusal that nothing here can mend. */
class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.type}: ${problem.detail} (request ${problem.request_id})`);
  }
}

/** What an answer holds, or why there is none. */
function held<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error !== undefined) throw new Refused(answer.error);
  if (answer.data === undefined) throw new Error("the answer is empty: it was given before, to the same Idempotency-Key");
  return answer.data;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
}

const baseUrl = process.argv[2];
if (!baseUrl) throw new Error("usage: node out/example.js ADDRESS");
const client = createClient<paths>({ baseUrl });

const { token } = held(await client.POST("/api/v1/auth/login", {
  body: {
    tenant: setting("SWITCHBOARD_TENANT"), email: setting("SWITCHBOARD_EMAIL"), password: setting("SWITCHBOARD_PASSWORD"),
  },
}));
client.use({
  onRequest({ request }) { request.headers.set("authorization", `Bearer ${token}`); },
});

// A request that is sent again with its key happens once.
const key = randomUUID();
const makeLead = () => client.POST("/api/v1/leads", {
  params: { header: { "Idempotency-Key": key } },
  body: { name: "Ada Example", email: `ada-${key}@example.com`, attributes: { from: "the example" } },
});
const made = await makeLead();
const lead = held(made);
const again = await makeLead();
if (again.error) throw new Refused(again.error);
const [first, second] = [made, again].map((answer) => answer.response.headers.get("location"));
if (!first || first !== second) throw new Error(`two leads were made: ${first} and ${second}`);
console.log(`lead ${lead.id}, made once`);

const template = held(await client.POST("/api/v1/communication/templates", {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: { name: `example-${key}`, channel: "email", subject: "Hello", text: "Dear {{name}},\n\nhello.\n" },
}));
const message = held(await client.POST("/api/v1/communication/messages", {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: { lead_id: lead.id, template_id: template.id, purpose: "transactional", variables: { name: "Ada" } },
}));

const until = Date.now() + PATIENCE_MS;
let status: MessageStatus;
for (;;) {
  ({ status } = held(await client.GET("/api/v1/communication/messages/{id}", { params: { path: { id: message.id } } })));
  if (!UNDER_WAY.has(status)) break;
  if (Date.now() > until) throw new Error(`the message is still ${status}`);
  await pause(500);
}
console.log(`message ${message.id} is ${status}`);

// Neither a number nor an address: what to do about a refusal is decided by its type.
const { error } = await client.POST("/api/v1/leads", {
  params: { header: { "Idempotency-Key": randomUUID() } },
  body: { name: "Nobody" },
});
switch (error?.type) {
  case undefined:
    throw new Error("a lead that cannot be reached was made");
  case "/problems/invalid":
    for (const field of error?.errors ?? []) console.log(`refused: ${field.pointer} ${field.detail}`);
    break;
  default:
    throw error ? new Refused(error) : new Error("no problem");
}
