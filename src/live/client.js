// A client of Switchboard's sockets: it comes back by itself and goes on where it was. docs/live.md shows how to use it.

const WAIT_MS = 500, LONGEST_MS = 30_000, BEAT_MS = 15_000, SILENCE_MS = 45_000;

export function connect({
  ticket,                     // async () => a ticket of POST /api/v1/ws/tickets: the page knows how it is logged in
  event,                      // (event) => …: CloudEvents, in order, each once
  resync = () => {},          // (sequence) => …: what came before is not kept any more, so read the state anew
  status = () => {},          // ("connecting" | "open" | "waiting" | "closed", why) => …
  types = [], resources = [], // what to be told of, for example ["call.*"] and ["lead:<id>"]; all if empty
  since = null,               // the last sequence that was seen; null begins now
  url = new URL("/api/v1/ws", globalThis.location?.href.replace(/^http/, "ws")),
}) {
  let socket = null, timer, pulse, state, tries = 0, turn = 0, ended = false, acked = since;
  const is = (now, why) => { if (state !== now) status(state = now, why); };
  const say = (frame) => socket?.readyState === 1 && socket.send(JSON.stringify(frame));
  const beat = () => { say({ op: "ping" }); if (since !== acked) say({ op: "ack", sequence: acked = since }); };
  // It asks before it gives up: in a hidden tab an interval may run once a minute.
  const ask = () => { beat(); timer = setTimeout(() => lost("silent"), BEAT_MS); };
  const heard = () => { clearTimeout(timer); timer = setTimeout(ask, SILENCE_MS - BEAT_MS); };
  function lost(why) {
    clearTimeout(timer); clearInterval(pulse); turn++;
    if (socket) { socket.onopen = socket.onmessage = socket.onclose = null; socket.close(); socket = null; }
    if (ended) return;
    is("waiting", why);
    // Anywhere in the span, so that those who were cut off together do not come back together.
    timer = setTimeout(open, Math.random() * Math.min(LONGEST_MS, WAIT_MS * 2 ** tries++));
  }
  async function open() {
    const mine = ++turn; is("connecting"); heard();
    try {
      const pass = await ticket();
      if (mine !== turn) return;
      const there = new URL(url);
      for (const [name, list] of Object.entries({ types, resources })) if (list.length) there.searchParams.set(name, list);
      if (since !== null) there.searchParams.set("since", since);
      socket = new WebSocket(there, ["switchboard.v1", `ticket.${pass}`]);
    } catch (why) { if (mine === turn) lost(why); return; }
    socket.onopen = () => { pulse = setInterval(beat, BEAT_MS); };
    socket.onmessage = ({ data }) => { heard(); take(JSON.parse(data)); };
    socket.onclose = ({ code, reason }) => lost(reason || code);
  }
  function take(frame) {
    if (frame.specversion) {
      if (since !== null && frame.sequence <= since) return;
      since = frame.sequence; event(frame);
    } else if (frame.op === "resync" || frame.op === "position") {
      since = frame.op === "resync" ? frame.sequence : Math.max(since ?? 0, frame.sequence);
      tries = 0; is("open");
      if (frame.op === "resync") resync(since);
    } else if (frame.op === "error") console.warn("switchboard:", frame.detail);
  }
  open();
  return {
    subscribe(what) {
      ({ types = [], resources = [] } = what);
      // One that is being opened has asked for what was wanted before.
      if (socket?.readyState === 0) lost("asks for something else"); else say({ op: "subscribe", types, resources });
    },
    close() { ended = true; lost(); is("closed"); },
    get sequence() { return since; },
  };
}
