/** An address for messages: dotted decimal, or eight groups in hexadecimal. */
export function formatAddress(address: Buffer): string {
  if (address.length === 4) return address.join(".");
  return Array.from({ length: 8 }, (_, group) => address.readUInt16BE(group * 2).toString(16)).join(":");
}
