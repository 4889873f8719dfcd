/** A registry to be judged. */
export type JudgedRegistry = {
  /** "http://127.0.0.1:5000" */
  readonly url: string;
  readonly login?: { readonly user: string; readonly password: string } | undefined;
};

/** An answer, read to its end. */
export type Reply = { readonly status: number; readonly headers: Headers; readonly body: Buffer };

export type RequestParts = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>> | URLSearchParams;
  readonly body?: Uint8Array;
  /** Sends the body in HTTP's chunks, without telling its length. */
  readonly streamed?: boolean;
};

/** A client that follows nothing and retries nothing but a request for credentials. */
export type SpecificationClient = {
  /** @param place a path, or a `Location` of an earlier answer */
  send(method: string, place: string, parts?: RequestParts): Promise<Reply>;
};

/** Scheme and parameters of `WWW-Authenticate` (RFC 9110, 11.6.1). */
function readChallenge(header: string): { readonly scheme: string; readonly parameters: Map<string, string> } {
  const scheme = /^\s*(\w+)/.exec(header)?.[1]?.toLowerCase() ?? "";
  const parameters = [...header.matchAll(/(\w+)="([^"]*)"/g)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  );
  return { scheme, parameters: new Map(parameters) };
}

/** Requests with the same key need the same credentials: repository, and whether it is pulled, pushed or deleted. */
function credentialKey(method: string, path: string): string {
  const repository = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(path)?.[1] ?? "";
  const need = method === "GET" || method === "HEAD" ? "pull" : method === "DELETE" ? "delete" : "push";
  return `${repository} ${need}`;
}

/** Makes one. */
export function createSpecificationClient({ url: base, login }: JudgedRegistry): SpecificationClient {
  const known = new Map<string, string>();

  const authorize = async (header: string): Promise<string> => {
    const { scheme, parameters } = readChallenge(header);
    const basic = `Basic ${Buffer.from(`${login?.user}:${login?.password}`).toString("base64")}`;
    if (scheme === "basic") return basic;
    const realm = new URL(parameters.get("realm") ?? "", base);
    for (const name of ["service", "scope"]) realm.searchParams.set(name, parameters.get(name) ?? "");
    const answer = await fetch(realm, { headers: { authorization: basic } });
    const { token, access_token: accessToken } = (await answer.json()) as { token?: string; access_token?: string };
    return `Bearer ${accessToken ?? token ?? ""}`;
  };

  return {
    send: async (method, place, { headers = {}, query = {}, body, streamed = false } = {}) => {
      const url = new URL(place, base);
      const added = query instanceof URLSearchParams ? query : new URLSearchParams(query);
      for (const [name, value] of added) url.searchParams.append(name, value);
      const key = credentialKey(method, url.pathname);
      const once = (authorization: string | undefined) =>
        fetch(url, {
          method,
          redirect: "manual",
          headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
          ...(body === undefined ? {} : { body: streamed ? new Blob([body]).stream() : body }),
        });
      let answer = await once(known.get(key));
      const challenge = answer.headers.get("www-authenticate");
      if (answer.status === 401 && challenge !== null && login !== undefined) {
        await answer.bytes();
        known.set(key, await authorize(challenge));
        answer = await once(known.get(key));
      }
      return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.bytes()) };
    },
  };
}
