export { decodeRegistryAuth, type RegistryCredentials } from "./auth/credentials.ts";
