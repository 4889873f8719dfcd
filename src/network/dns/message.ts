import packet from "dns-packet";

/** A question a client put, with what is needed to answer it. */
export type Query = {
  readonly bytes: Buffer;
  readonly id: number;
  readonly name: string;
  /** "A", "AAAA", "PTR", …; "UNKNOWN_65" for one without a name here. */
  readonly type: string;
  /** Length of header and question: what an answer repeats. */
  readonly questionEnd: number;
  /** The largest answer the client takes by UDP. */
  readonly maximumBytes: number;
  readonly hasOptions: boolean;
};

/** A record of an answer. */
export type AnswerRecord = { readonly type: "A" | "AAAA" | "PTR"; readonly data: string };

/** How an answer turned out (RFC 1035, 4.1.1). */
export const RCODE = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, refused: 5 } as const;

const headerBytes = 12;
const plainMaximumBytes = 512;
/** What a server that minds fragments announces (RFC 9715). */
const ownMaximumBytes = 1232;
/** Containers come and go: a name may mean another address soon. */
const secondsToLive = 10;
const FLAG_RESPONSE = 0x8000;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
const FLAG_RECURSION_AVAILABLE = 0x0080;

/** Reads a client's message; undefined for one that is no query, to be dropped or, with its header whole, refused. */
export function parseQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < headerBytes || (bytes.readUInt16BE(2) & FLAG_RESPONSE) !== 0) return undefined;
  // One question, as every resolver puts them; an operation other than a query has none.
  if (bytes.readUInt16BE(4) !== 1 || (bytes.readUInt8(2) & 0x78) !== 0) return undefined;
  try {
    const decoded = packet.decode(bytes);
    const [question] = decoded.questions ?? [];
    if (question === undefined) return undefined;
    const options = (decoded.additionals ?? []).find((record) => record.type === "OPT");
    const announced = options?.type === "OPT" ? options.udpPayloadSize : plainMaximumBytes;
    return {
      bytes,
      id: bytes.readUInt16BE(0),
      name: question.name.replace(/\.$/, ""),
      type: question.type,
      questionEnd: endOfQuestion(bytes),
      maximumBytes: Math.max(announced, plainMaximumBytes),
      hasOptions: options !== undefined,
    };
  } catch {
    // The library says no more than that it cannot read it.
    return undefined;
  }
}

/** Where the question section ends; the name in it is not compressed, for nothing comes before it. */
function endOfQuestion(bytes: Buffer): number {
  let offset = headerBytes;
  for (let length = bytes.readUInt8(offset); length > 0; length = bytes.readUInt8(offset)) {
    if (length > 63) throw new RangeError("compressed name in a question");
    offset += length + 1;
  }
  return offset + 5;
}

/** An answer without records: an error, or that the name has no such record. Undefined for what has not even a header. */
export function emptyAnswer(bytes: Buffer, rcode: number, questionEnd = headerBytes): Buffer | undefined {
  if (bytes.length < headerBytes || (bytes.readUInt16BE(2) & FLAG_RESPONSE) !== 0) return undefined;
  const answer = Buffer.alloc(questionEnd);
  bytes.copy(answer, 0, 0, questionEnd);
  const flags = FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | (bytes.readUInt16BE(2) & (FLAG_RECURSION_DESIRED | 0x7800));
  answer.writeUInt16BE(flags | rcode, 2);
  answer.writeUInt16BE(questionEnd > headerBytes ? 1 : 0, 4);
  answer.fill(0, 6, headerBytes);
  return answer;
}

/** An answer with records; when they are more than fit, those that do, marked as truncated so that the client asks by TCP. */
export function answerWith(query: Query, records: readonly AnswerRecord[], maximumBytes: number): Buffer {
  const encode = (count: number): Buffer => {
    const isWhole = count === records.length;
    const encoded = packet.encode({
      type: "response",
      id: query.id,
      flags:
        (query.bytes.readUInt16BE(2) & FLAG_RECURSION_DESIRED) |
        FLAG_RECURSION_AVAILABLE |
        (isWhole ? 0 : FLAG_TRUNCATED),
      answers: records
        .slice(0, count)
        .map((record): packet.Answer => ({ ...record, name: query.name, class: "IN", ttl: secondsToLive })),
      additionals: query.hasOptions
        ? [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize: ownMaximumBytes,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ]
        : [],
    });
    // The question as it was put, letter case included (clients compare it): the library would write it anew.
    const question = query.bytes.subarray(headerBytes, query.questionEnd);
    const answer = Buffer.concat([encoded.subarray(0, headerBytes), question, encoded.subarray(headerBytes)]);
    answer.writeUInt16BE(1, 4);
    return answer;
  };
  let count = records.length;
  let answer = encode(count);
  while (answer.length > maximumBytes && count > 0) {
    count = Math.min(count - 1, Math.floor((count * maximumBytes) / answer.length));
    answer = encode(count);
  }
  return answer;
}

/** How a server's answer turned out. */
export function rcodeOf(answer: Buffer): number {
  return answer.readUInt8(3) & 0x0f;
}

/** Whether `answer` is a server's answer to the message `asked` that was sent with `id`. */
export function isAnswerTo(answer: Buffer, id: number, asked: Query): boolean {
  if (answer.length < asked.questionEnd || answer.readUInt16BE(0) !== id) return false;
  if ((answer.readUInt16BE(2) & FLAG_RESPONSE) === 0) return false;
  const lower = (bytes: Buffer): string =>
    bytes.subarray(headerBytes, asked.questionEnd).toString("latin1").toLowerCase();
  return lower(answer) === lower(asked.bytes);
}

/** A message under another id. */
export function withId(bytes: Buffer, id: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(id, 0);
  return copy;
}
