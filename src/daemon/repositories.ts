import { loadRegistryClient, type RegistryClient, type RegistryCredentials, type RegistrySettings } from "#registry";

/** Opens repositories of registries; the client is loaded when the first is asked for. */
export function lazyRepositories(settings: RegistrySettings) {
  let client: Promise<RegistryClient> | undefined;
  return async (
    name: string,
    access: "pull" | "push",
    credentials: RegistryCredentials,
    options: { readonly insecure?: boolean } = {},
  ) => {
    client ??= loadRegistryClient().then(({ createRegistryClient }) => createRegistryClient(settings));
    return (await client).repository(name, { credentials, access, ...options });
  };
}
