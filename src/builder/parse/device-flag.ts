import { csvFields } from "./mount-flag.ts";
import { SyntaxFault } from "./fault.ts";

/** A `RUN --device`: a CDI device by its qualified name or class. */
export type DeviceFlag = { readonly name: string; readonly required: boolean };

/** Reads `[name=]vendor/class[=device][,required[=true|false]]`. */
export function parseDeviceFlag(text: string): DeviceFlag {
  let name: string | undefined;
  let isRequired = false;
  const setName = (value: string) => {
    if (name !== undefined) throw new SyntaxFault(`device name already set to ${name}`);
    name = value;
  };
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const key = (at === -1 ? field : field.slice(0, at)).toLowerCase();
    const value = at === -1 ? undefined : field.slice(at + 1);
    if (key === "name" && value !== undefined) setName(value);
    else if (key === "required") {
      if (value !== undefined && value !== "true" && value !== "false") {
        throw new SyntaxFault(`invalid value for required: ${value}`);
      }
      isRequired = value !== "false";
    } else if (/^[a-z0-9.-]+\/[a-z0-9._-]+$/i.test(key)) setName(field);
    else throw new SyntaxFault(`unexpected key '${key}' in '${field}'`);
  }
  if (name === undefined || name === "") throw new SyntaxFault(`device name is required: ${text}`);
  return { name, required: isRequired };
}
