import type { EndpointSettings } from "#formats";
import type { NetworkService } from "#network";

/** Networks as users work with them. */
export type NetworkOperations = Pick<
  NetworkService,
  "list" | "get" | "isPredefined" | "create" | "remove" | "endpointsOf"
> & {
  /** Puts a container on a network, at once when it runs. All or nothing; errors in Docker's words. */
  connect(network: string, container: string, settings: EndpointSettings): Promise<void>;
  /** With `force` the network need not be there any more. */
  disconnect(network: string, container: string, options: { readonly force: boolean }): Promise<void>;
};
