/**
 * The least a connector can be: receives, parses, writes the payload anew, posts it, acknowledges. No queue, no retry, no
 * journal, no log. `raw` cuts the payload out of the text instead of parsing it, which is right for the bench's relay only.
 *
 *   floor.ts RELAY CHANNEL TARGET websocket|sse|long_poll CONCURRENCY parse|raw
 */
import process from "node:process";

const [relay = "", channel = "", target = "", transport, concurrency, mode] = process.argv.slice(2);
const stream = `${relay}/connect/stream/${channel}`;
const headers = { "authorization": "Bearer s3cret", "x-connector-id": channel };
const waiting: string[] = [];
let underWay = 0;
let ack = async (id: string) => {
  const url = `${relay}/connect/ack?message_id=${id}&status=ack`;
  await (await fetch(url, { method: "POST", headers })).arrayBuffer();
};

function take(text: string): void {
  if (!text.includes('"webhook"')) return;
  if (underWay >= Number(concurrency)) return void waiting.push(text);
  void deliver(text);
}

async function deliver(text: string): Promise<void> {
  underWay++;
  const [id, body] = read(text);
  const headers = { "content-type": "application/json", "x-webhook-message-id": id };
  await (await fetch(target, { method: "POST", headers, body })).arrayBuffer();
  void ack(id);
  underWay--;
  const next = waiting.shift();
  if (next !== undefined) void deliver(next);
}

function read(text: string): [id: string, body: string] {
  if (mode === "parse") {
    const { message_id, payload } = JSON.parse(text);
    return [message_id, JSON.stringify(payload)];
  }
  const id = text.indexOf("msg_");
  const at = text.indexOf('"payload":') + 10;
  return [text.slice(id, text.indexOf('"', id)), text.slice(at, -1)];
}

if (transport === "websocket") {
  const socket = new WebSocket(stream.replace("http", "ws"));
  socket.onmessage = ({ data }) => take(data);
  ack = (id) => Promise.resolve(socket.send(`{"type":"ack","message_id":"${id}"}`));
} else if (transport === "sse") {
  const { body } = await fetch(`${stream}/sse`, { headers });
  let rest = "";
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const events = (rest + text).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) take(event.slice(event.indexOf("data: ") + 6));
  }
} else {
  for (;;) {
    const response = await fetch(`${stream}/poll?timeout=1&max_messages=100`, { headers });
    const { messages } = await response.json();
    for (const message of messages) take(JSON.stringify(message));
  }
}
