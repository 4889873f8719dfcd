import { formatIp, type IpAddress } from "../ipam/ip-address.ts";
import { type AnswerRecord, answerWith, emptyAnswer, type Query, RCODE } from "./message.ts";
import { type NameTable, ofFamily, type VisibleNetwork } from "./name-table.ts";
import { addressOfReverseName } from "./reverse-name.ts";

/** What a container's name server knows by itself. */
export type LocalKnowledge = {
  readonly names: NameTable;
  readonly networks: readonly VisibleNetwork[];
  /** True for an address of a network of ours: nobody else can know its name, nor should be told of it. */
  isOurs(address: IpAddress): boolean;
  /** Whether names without a dot may be asked of others: they are mostly containers that are not there. */
  readonly forwardsSingleLabels: boolean;
};

/** The answer to a question about containers; undefined for one that others must answer. */
export function answerLocally(query: Query, knowledge: LocalKnowledge, maximumBytes: number): Buffer | undefined {
  const { names, networks } = knowledge;
  const nothing = (rcode: number): Buffer | undefined => emptyAnswer(query.bytes, rcode, query.questionEnd);
  if (query.type === "PTR") {
    const address = addressOfReverseName(query.name);
    if (address === undefined) return undefined;
    const name = names.reverse(networks, address);
    if (name !== undefined && isEncodable(name)) return answerWith(query, [{ type: "PTR", data: name }], maximumBytes);
    return knowledge.isOurs(address) ? nothing(RCODE.nameError) : undefined;
  }
  const addresses = names.resolve(networks, query.name);
  if (addresses === undefined) {
    const isSingleLabel = query.name !== "" && !query.name.includes(".");
    return isSingleLabel && !knowledge.forwardsSingleLabels ? nothing(RCODE.nameError) : undefined;
  }
  // The name is ours, so all there is to know of it is known here: another type is "no such record", not a question
  // to others (of MX, mail programs then conclude that the name itself takes mail).
  const records = recordsOf(query.type, addresses);
  return records.length === 0 ? nothing(RCODE.noError) : answerWith(query, records, maximumBytes);
}

function recordsOf(type: string, addresses: readonly IpAddress[]): readonly AnswerRecord[] {
  if (type !== "A" && type !== "AAAA") return [];
  return shuffle(ofFamily(addresses, type === "A" ? 4 : 6)).map((address) => ({ type, data: formatIp(address) }));
}

/** Any order with equal chance, so that clients that take the first spread over all. */
function shuffle<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((one, other) => one.order - other.order)
    .map(({ item }) => item);
}

/** Whether a name fits into DNS (RFC 1035, 2.3.4): names of containers and networks may be longer. */
function isEncodable(name: string): boolean {
  const labels = name.split(".").map((label) => Buffer.byteLength(label));
  return labels.every((length) => length > 0 && length <= 63) && Buffer.byteLength(name) <= 253;
}
