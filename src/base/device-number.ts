/** A device by its two numbers. */
export type DeviceNumber = { readonly major: number; readonly minor: number };

/** Major and minor of a dev_t as stat(2) reports it (sysmacros.h, gnu_dev_major and gnu_dev_minor). */
export function splitDeviceNumber(device: number): DeviceNumber {
  const value = BigInt(device);
  return {
    major: Number(((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n)),
    minor: Number((value & 0xffn) | ((value >> 12n) & 0xffffff00n)),
  };
}
