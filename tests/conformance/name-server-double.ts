/**
 * A name server for tests, to be run in a container's network namespace: it answers 203.0.113.7 to every question for
 * an address and 3000 bytes of text to every question for text, by UDP only as much as fits, and writes down each
 * question. Usage: name-server-double.ts LOG
 */
import { appendFileSync } from "node:fs";
import packet from "dns-packet";

const [log = ""] = process.argv.slice(2);

function answer(query: Buffer, transport: "udp" | "tcp"): Buffer {
  const { id = 0, questions = [] } = packet.decode(query);
  const [question] = questions;
  if (question === undefined) throw new Error("no question");
  appendFileSync(log, `${transport} ${question.type} ${question.name}\n`);
  const records: packet.Answer[] =
    question.type === "A"
      ? [{ type: "A", name: question.name, data: "203.0.113.7", ttl: 60 }]
      : question.type === "TXT"
        ? [{ type: "TXT", name: question.name, data: Array.from({ length: 15 }, () => "x".repeat(200)), ttl: 60 }]
        : [];
  const encode = (answers: packet.Answer[], flags: number) =>
    packet.encode({ type: "response", id, flags: packet.RECURSION_DESIRED | flags, questions, answers });
  const whole = encode(records, 0);
  return transport === "udp" && whole.length > 512 ? encode([], packet.TRUNCATED_RESPONSE) : whole;
}

await Bun.udpSocket({
  hostname: "0.0.0.0",
  port: 53,
  socket: { data: (socket, data, port, address) => void socket.send(answer(Buffer.from(data), "udp"), port, address) },
});
Bun.listen({
  hostname: "0.0.0.0",
  port: 53,
  socket: {
    data: (socket, data) => {
      const reply = answer(Buffer.from(data).subarray(2), "tcp");
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.end(Buffer.concat([length, reply]));
    },
  },
});
appendFileSync(log, "ready\n");
