import { defineErrors } from "#base";

/** "Get", as Go's HTTP client names a request in its errors. */
function verb(method: string): string {
  return method.slice(0, 1) + method.slice(1).toLowerCase();
}

/** Errors of talking to registries; where clients match on the text, it is Docker's. */
export const errors = defineErrors({
  registryAccessDenied: {
    kind: "not-found",
    message: (repository: string, why: string) =>
      `pull access denied for ${repository}, repository does not exist or may require 'docker login': ${why}`,
    hint: () => "Log in with `berth login REGISTRY` when it is private; check the name's spelling",
  },
  registryPushDenied: {
    kind: "forbidden",
    message: (why: string) => why,
    hint: () => "Log in with `berth login REGISTRY` as somebody who may push there",
  },
  registryLoginRefused: {
    kind: "unauthorized",
    message: (url: string, why: string) => `Get "${url}": ${why}`,
  },
  // Not "unauthorized": to that, from a pull or push, the docker command answers with questions on the terminal, and
  // Docker's own daemon says 500 here.
  registryNoCredentials: {
    kind: "precondition",
    message: (method: string, url: string) => `${verb(method)} "${url}": no basic auth credentials`,
    hint: () => "Log in with `berth login REGISTRY`",
  },
  registryTokenRefused: {
    kind: "precondition",
    message: (url: string, why: string) => `Get "${url}": ${why}`,
    hint: () => "Log in anew with `berth login REGISTRY`",
  },
  registryChallengeInvalid: {
    kind: "unavailable",
    message: (url: string, why: string) => `Get "${url}": the registry asks for authentication in a way that ${why}`,
  },
  registrySearchUnsupported: {
    kind: "unsupported",
    message: (registry: string) => `registry ${registry} cannot be searched, and does not list its repositories to you`,
    hint: () => "Log in with `berth login REGISTRY` if it lists them to its users",
  },
  registryTokenFailed: {
    kind: "unavailable",
    message: (url: string, why: string) => `failed to fetch a token from "${url}": ${why}`,
  },
  registryUnreachable: {
    kind: "unavailable",
    message: (method: string, url: string, why: string) => `${verb(method)} "${url}": ${why}`,
    hint: (_method: string, url: string, why: string) =>
      /HTTP response to HTTPS client/.test(why)
        ? `It speaks plain HTTP: add "${new URL(url).host}" to the daemon's insecure-registries if you trust the network`
        : /certificate/.test(why)
          ? `Put its CA into /etc/berth/certs.d/${new URL(url).host}/ca.crt`
          : /registry-1\.docker\.io/.test(url)
            ? "Without a way to Docker Hub, `berth image bootstrap` makes base images from the distribution's own packages"
            : "Check the registry's name, the network and the proxy settings of the daemon",
  },
  registryStalled: {
    kind: "timeout",
    message: (method: string, url: string, seconds: number) =>
      `${verb(method)} "${url}": nothing came for ${seconds} seconds`,
  },
  registryFaulty: {
    kind: "unavailable",
    message: (method: string, url: string, why: string) => `${verb(method)} "${url}": ${why}`,
  },
  registryAnswer: {
    kind: "unavailable",
    message: (what: string) => what,
  },
  registryRateLimited: {
    kind: "exhausted",
    message: (why: string) => `toomanyrequests: ${why}`,
    hint: () => "Wait, or log in: registries give more to those they know",
  },
  registryManifestUnknown: {
    kind: "not-found",
    message: (name: string, why: string) => `manifest for ${name} not found: ${why}`,
  },
  registryRepositoryUnknown: {
    kind: "not-found",
    message: (name: string, why: string) => `repository ${name} not found: does not exist or no pull access: ${why}`,
  },
  registryBlobUnknown: {
    kind: "not-found",
    message: (digest: string, host: string) => `blob ${digest} is not at ${host}: blob unknown to registry`,
  },
  registryManifestInvalid: {
    kind: "invalid",
    message: (name: string, why: string) => `invalid manifest of ${name}: ${why}`,
  },
  registryManifestOld: {
    kind: "unsupported",
    message: (name: string) =>
      `${name} has a manifest of the old format "schema 1", which is not supported: it cannot be verified`,
    hint: () => "Push the image again with a tool younger than 2017",
  },
  registryManifestUnsupported: {
    kind: "unsupported",
    message: (name: string, mediaType: string) => `cannot use ${name} as an image: unsupported media type ${mediaType}`,
  },
  registryNoPlatform: {
    kind: "not-found",
    message: (platform: string, offered: string) =>
      `no matching manifest for ${platform} in the manifest list entries${offered === "" ? "" : `: it has ${offered}`}`,
  },
  registryDigestMismatch: {
    kind: "invalid",
    message: (what: string, expected: string, actual: string) =>
      `${what} does not match its digest: expected ${expected}, got ${actual}`,
  },
  registrySizeMismatch: {
    kind: "invalid",
    message: (what: string, expected: number, actual: string) =>
      `${what} does not match its size: expected ${expected} bytes, got ${actual}`,
  },
  registryDigestUnsupported: {
    kind: "unsupported",
    message: (digest: string) => `unsupported digest "${digest}": only sha256 is supported`,
  },
  registryUploadFailed: {
    kind: "unavailable",
    message: (what: string, why: string) => `cannot upload ${what}: ${why}`,
  },
  registryCertificateFiles: {
    kind: "precondition",
    message: (why: string) => why,
  },
  registryServerInvalid: {
    kind: "invalid",
    message: (address: string) => `invalid registry server address ${JSON.stringify(address.slice(0, 200))}`,
    hint: () => "name a host, with a port if need be: registry.example:5000",
  },
  registryMirrorInvalid: { kind: "invalid", message: (why: string) => `invalid mirror: ${why}` },
  registryInsecureInvalid: {
    kind: "invalid",
    message: (text: string, why: string) => `insecure registry ${text} ${why}`,
  },
  registryPlatformInvalid: {
    kind: "invalid",
    message: (text: string, why: string) => `"${text}" is an invalid component of a platform: ${why}`,
  },
  registryProxyFailed: {
    kind: "unavailable",
    message: (proxy: string, why: string) => `the proxy ${proxy} does not connect: ${why}`,
  },
});
