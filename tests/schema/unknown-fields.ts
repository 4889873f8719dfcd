type Schema = { readonly [key: string]: unknown };

/**
 * Fields that newer descriptions no longer have; the versions that had them still get them. `parent/field`, where a
 * document's own fields have no parent.
 */
const older: ReadonlySet<string> = new Set([
  // Errors: Berth's own addition, which clients do not read.
  "/hint",
  // Images, below 1.44, 1.45 and 1.52.
  ...["VirtualSize", "Container", "ContainerConfig", "DockerVersion", "Parent"].map((field) => `/${field}`),
  // An image's `Config`, below 1.50.
  ...["Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr"].map((field) => `Config/${field}`),
  ...["Tty", "OpenStdin", "StdinOnce", "Image"].map((field) => `Config/${field}`),
  // Events, below 1.52.
  ...["status", "id", "from"].map((field) => `/${field}`),
  // `NetworkSettings` with the address on the default bridge, below 1.52.
  ...["Bridge", "EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "HairpinMode", "IPAddress"].map(
    (field) => `NetworkSettings/${field}`,
  ),
  ...["IPPrefixLen", "IPv6Gateway", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen", "MacAddress"].map(
    (field) => `NetworkSettings/${field}`,
  ),
  ...["SecondaryIPAddresses", "SecondaryIPv6Addresses"].map((field) => `NetworkSettings/${field}`),
  // `info`, below 1.48, 1.49 and 1.50.
  ...["CIDRs", "Hostnames"].map((field) => `RegistryConfig/AllowNondistributableArtifacts${field}`),
  ...["ContainerdCommit", "RuncCommit", "InitCommit"].map((commit) => `${commit}/Expected`),
  ...["BridgeNfIptables", "BridgeNfIp6tables"].map((field) => `/${field}`),
  // A container's address, below 1.44, and a limit, below 1.52.
  "Config/MacAddress",
  "HostConfig/KernelMemoryTCP",
  // Lists of networks, below 1.53, and what disks hold, below 1.52.
  "/Containers",
  ...["BuildCache", "Images", "LayersSize", "Volumes"].map((field) => `/${field}`),
  // Records of pull and push, below 1.52, and the last one of push.
  ...["progress", "aux"].map((field) => `/${field}`),
  // Records of `load`, which the description has no form for.
  ...["stream", "error"].map((field) => `/${field}`),
]);

/** Paths of the fields of `value` that `schema` does not know. */
export function unknownFields(
  definitions: Readonly<Record<string, Schema>>,
  schema: Schema,
  value: unknown,
  path = "",
): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const reference = schema["$ref"];
  if (typeof reference === "string")
    return unknownFields(definitions, definitions[reference.replace("#/definitions/", "")] ?? {}, value, path);
  if (Array.isArray(value)) {
    const items = schema["items"] as Schema | undefined;
    return items === undefined ? [] : value.flatMap((item) => unknownFields(definitions, items, item, `${path}/*`));
  }
  const { properties, rest } = fieldsOf(definitions, schema);
  if (properties.size === 0 && rest === undefined) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const known = properties.get(name) ?? (typeof rest === "object" ? rest : undefined);
    if (known !== undefined) return unknownFields(definitions, known, field, `${path}/${name}`);
    return rest === true || older.has(`${parentOf(path)}/${name}`) ? [] : [`${path}/${name}`];
  });
}

/** All fields of an object's schema, those of `allOf` and of references included. */
function fieldsOf(
  definitions: Readonly<Record<string, Schema>>,
  schema: Schema,
): { readonly properties: ReadonlyMap<string, Schema>; readonly rest: Schema | true | undefined } {
  const properties = new Map<string, Schema>();
  let rest: Schema | true | undefined = schema["additionalProperties"] as Schema | true | undefined;
  const reference = schema["$ref"];
  const parts = [
    ...((schema["allOf"] as readonly Schema[] | undefined) ?? []),
    ...(typeof reference === "string" ? [definitions[reference.replace("#/definitions/", "")] ?? {}] : []),
  ];
  for (const part of parts) {
    const inner = fieldsOf(definitions, part);
    for (const [name, field] of inner.properties) properties.set(name, field);
    rest ??= inner.rest;
  }
  for (const [name, field] of Object.entries((schema["properties"] as Record<string, Schema> | undefined) ?? {}))
    properties.set(name, field);
  return { properties, rest };
}

/** The last name of a path; "" for a document itself and for the items of a list that is one. */
function parentOf(path: string): string {
  return path.replaceAll("/*", "").split("/").at(-1) ?? "";
}
