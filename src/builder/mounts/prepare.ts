import { join } from "node:path";
import { type Digest, hostOwner, newId } from "#base";
import type { StepMount } from "#engine";
import { noIgnoreRules } from "#formats";
import { copyTree, toByteString } from "#linux";
import { type MountKey, mountSelectionKey } from "../cache/keys.ts";
import { shortDigest } from "../cache/reasons.ts";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { baseName, canonicalPath, resolveInTree, type SourceTree } from "../context/tree.ts";
import { digestSelection } from "../copy/selection.ts";
import { copyInto } from "../copy/write.ts";
import { errors } from "../errors.ts";
import type { FilesOrigin, PlannedMount, RunOperation } from "../plan/operation.ts";
import type { BuildParts } from "../run/build-parts.ts";
import { layersOf, originName, type StageResults } from "../run/layers-of.ts";
import { makeLayer, snapshotPrefix, withRootfs } from "../run/snapshot.ts";
import { sourceMissing } from "../source-missing.ts";
import { serveAgent } from "./agent-socket.ts";
import { maximumSecretBytes, openSecretFiles, type SecretFiles } from "./secret-files.ts";

/** Mounts of a RUN, known by content and not yet made. */
export type PreparedMounts = {
  readonly keys: readonly MountKey[];
  /** For the reasons of a miss. */
  readonly ingredients: ReadonlyMap<string, string>;
  open(): Promise<OpenMounts>;
};

/** Mounts of a RUN that can be run now. */
export type OpenMounts = {
  readonly mounts: readonly StepMount[];
  readonly environment: readonly string[];
  /** Host directories of cache mounts, for a debug shell. */
  readonly caches: readonly { readonly source: string; readonly target: string }[];
  close(): Promise<void>;
};

const noMounts: OpenMounts = { mounts: [], environment: [], caches: [], close: async () => {} };

/** Finds out what the mounts of a RUN hold, as far as its key needs. */
export async function prepareMounts(
  parts: BuildParts,
  operation: RunOperation,
  others: StageResults,
): Promise<PreparedMounts> {
  const keys: MountKey[] = [];
  const ingredients = new Map<string, string>();
  const digests = new Map<PlannedMount, string>();
  for (const mount of operation.mounts) {
    if (mount.type !== "bind" && mount.type !== "cache") {
      keys.push(keyOfMount(mount, ""));
      continue;
    }
    const isEmpty = mount.origin.kind === "scratch";
    const digest = isEmpty ? "" : await digestOfMount(parts, mount.origin, mount.source, others);
    digests.set(mount, digest);
    keys.push(keyOfMount(mount, digest));
    if (mount.type === "bind") ingredients.set(`the mount at ${mount.target}`, shortDigest(digest));
  }
  return {
    keys,
    ingredients,
    open: () =>
      operation.mounts.length === 0 ? Promise.resolve(noMounts) : openMounts(parts, operation, others, digests),
  };
}

function keyOfMount(mount: PlannedMount, digest: string): MountKey {
  switch (mount.type) {
    case "bind":
      return { type: "bind", target: mount.target, content: digest, readonly: mount.readonly };
    case "cache":
      return { type: "cache", target: mount.target, readonly: mount.readonly };
    case "tmpfs":
      return { type: "tmpfs", target: mount.target, size: mount.sizeBytes };
    case "secret":
      return { type: "secret", target: mount.target, env: mount.env, mode: mount.mode, uid: mount.uid, gid: mount.gid };
    case "ssh":
      break;
  }
  return { type: "ssh", target: mount.target, mode: mount.mode, uid: mount.uid, gid: mount.gid };
}

async function digestOfMount(
  parts: BuildParts,
  origin: FilesOrigin,
  source: string,
  others: StageResults,
): Promise<string> {
  const layers = layersOf(origin, others);
  if (layers === undefined) return digestOfPath(await contextTree(parts, origin), source, origin, false);
  const key = mountSelectionKey(layers, source);
  const known = parts.cache.selections.find(key);
  if (known !== undefined) return known;
  const digest = await withRootfs(parts, layers, async (rootfs) => {
    const tree = openDirectoryTree(rootfs, { attributes: true, idMapping: parts.snapshots.idMapping });
    try {
      return await digestOfPath(tree, source, origin, true);
    } finally {
      tree.close();
    }
  });
  parts.cache.selections.save(key, digest);
  return digest;
}

function contextTree(parts: BuildParts, origin: FilesOrigin): Promise<SourceTree> {
  return origin.kind === "named" ? parts.contexts.named(origin.name) : parts.contexts.main();
}

async function digestOfPath(
  tree: SourceTree,
  source: string,
  origin: FilesOrigin,
  keepsOwner: boolean,
): Promise<string> {
  const entry = resolveInTree(tree, toByteString(source));
  if (entry === undefined) throw sourceMissing(source, `It is not in ${originName(origin)}.`);
  const selected = [{ entry, name: baseName(entry.path) }];
  const { kind, hex } = await digestSelection(tree, selected, { excludes: noIgnoreRules, keepsOwner });
  return `${kind}:${hex}`;
}

async function openMounts(
  parts: BuildParts,
  operation: RunOperation,
  others: StageResults,
  digests: ReadonlyMap<PlannedMount, string>,
): Promise<OpenMounts> {
  const undo = new AsyncDisposableStack();
  const mounts: StepMount[] = [];
  const environment: string[] = [];
  const caches: { readonly source: string; readonly target: string }[] = [];
  let secrets: SecretFiles | undefined;
  const secretFiles = (): SecretFiles => {
    if (secrets === undefined) {
      const files = openSecretFiles(join(parts.directory, `secrets-${newId().slice(0, 8)}`), parts.snapshots.idMapping);
      undo.defer(() => files.close());
      secrets = files;
    }
    return secrets;
  };
  try {
    for (const mount of operation.mounts) {
      const { type } = mount;
      if (type === "tmpfs") mounts.push({ destination: mount.target, tmpfsBytes: mount.sizeBytes });
      else if (type === "secret") {
        const bytes = await readSecret(parts, mount.id, mount.required);
        if (bytes === undefined) continue;
        if (mount.env !== undefined) environment.push(`${mount.env}=${Buffer.from(bytes).toString("utf8")}`);
        if (mount.target === undefined) continue;
        mounts.push({ source: secretFiles().write(bytes, mount), destination: mount.target, readonly: true });
      } else if (type === "ssh") {
        const socket = await openAgent(parts, mount, undo);
        if (socket === undefined) continue;
        mounts.push({ source: socket, destination: mount.target, readonly: false });
        if (!environment.some((entry) => entry.startsWith("SSH_AUTH_SOCK="))) {
          environment.push(`SSH_AUTH_SOCK=${mount.target}`);
        }
      } else if (type === "cache") {
        const held = await parts.cacheMounts.hold(
          {
            id: mount.id,
            sharing: mount.sharing,
            base: digests.get(mount) ?? "",
            owner: mount.owner,
            fill:
              mount.origin.kind === "scratch"
                ? undefined
                : (directory) => fillCache(parts, mount.origin, mount.source, others, directory),
          },
          parts.signal,
        );
        undo.defer(() => held.release());
        mounts.push({ source: held.directory, destination: mount.target, readonly: mount.readonly });
        caches.push({ source: held.directory, target: mount.target });
      } else {
        const source = await openBind(parts, mount, others, digests.get(mount) ?? "", undo);
        mounts.push({ source, destination: mount.target, readonly: mount.readonly });
      }
    }
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
  return { mounts, environment, caches, close: () => undo.disposeAsync() };
}

async function readSecret(parts: BuildParts, id: string, isRequired: boolean): Promise<Uint8Array | undefined> {
  const bytes = await parts.request.secrets?.read(id, parts.signal);
  if (bytes === undefined && isRequired) throw errors["build-secret-missing"](id);
  if (bytes !== undefined && bytes.length > maximumSecretBytes) throw errors["build-secret-too-large"](id);
  return bytes;
}

async function openAgent(
  parts: BuildParts,
  mount: Extract<PlannedMount, { type: "ssh" }>,
  undo: AsyncDisposableStack,
): Promise<string | undefined> {
  const { agents } = parts.request;
  if (agents === undefined || !(await agents.has(mount.id, parts.signal))) {
    if (mount.required) throw errors["build-agent-missing"](mount.id);
    return undefined;
  }
  const path = join(parts.directory, `agent-${newId().slice(0, 8)}`);
  const owner = hostOwner(parts.snapshots.idMapping, mount);
  const server = await serveAgent(agents, mount.id, { ...mount, ...owner, path }, parts.signal);
  undo.defer(() => server.close());
  return path;
}

async function openBind(
  parts: BuildParts,
  mount: Extract<PlannedMount, { type: "bind" }>,
  others: StageResults,
  digest: string,
  undo: AsyncDisposableStack,
): Promise<string> {
  const layers = layersOf(mount.origin, others);
  if (layers !== undefined) return openSnapshot(parts, layers, mount.source, undo);
  const { diffId, name } = await layerOfPath(parts, mount.origin, mount.source, digest);
  return openSnapshot(parts, diffId === undefined ? [] : [diffId], name, undo);
}

/** Files of a context as a layer, kept in the cache like a step's: the next build need not copy them again. */
async function layerOfPath(
  parts: BuildParts,
  origin: FilesOrigin,
  source: string,
  digest: string,
): Promise<{ readonly diffId: Digest | undefined; readonly name: string }> {
  const tree = await contextTree(parts, origin);
  const entry = resolveInTree(tree, toByteString(source));
  if (entry === undefined) throw sourceMissing(source, `It is not in ${originName(origin)}.`);
  const isFolder = entry.type === "directory";
  const key = mountSelectionKey([], `${digest} as a layer`);
  const known = parts.cache.find(key);
  const name = "/mount";
  if (known !== undefined) {
    if (known.diffId !== undefined) parts.lease.add(known.diffId);
    return { diffId: known.diffId, name };
  }
  const diffId = await makeLayer(parts, [], (rootfs) =>
    copyInto(rootfs, [{ tree, selected: [{ entry, name: "mount" }], unpack: false }], {
      instruction: "COPY",
      destination: isFolder ? `${name}/` : name,
      owner: undefined,
      keepsOwner: false,
      mode: undefined,
      excludes: noIgnoreRules,
      idMapping: parts.snapshots.idMapping,
    }),
  );
  parts.cache.save(key, { diffId, created: "1970-01-01T00:00:00Z", description: `mount of ${source}` });
  return { diffId, name };
}

/** Mounts layers and finds a path in them; what the step writes there goes with the mount. */
async function openSnapshot(
  parts: BuildParts,
  layers: readonly Digest[],
  source: string,
  undo: AsyncDisposableStack,
): Promise<string> {
  const id = snapshotPrefix + newId();
  undo.defer(async () => {
    parts.snapshots.unmount(id);
    await parts.snapshots.remove(id);
  });
  await parts.snapshots.prepare(id, layers, { discardable: true });
  const rootfs = parts.snapshots.mount(id);
  return pathInside(rootfs, source);
}

/** A path of a mounted root with its links followed inside of it. */
function pathInside(rootfs: string, source: string): string {
  const tree = openDirectoryTree(rootfs);
  try {
    const path = canonicalPath(tree, toByteString(source));
    if (path === undefined || tree.find(path) === undefined) throw sourceMissing(source, "");
    return join(rootfs, Buffer.from(path, "latin1").toString("utf8"));
  } finally {
    tree.close();
  }
}

async function fillCache(
  parts: BuildParts,
  origin: FilesOrigin,
  source: string,
  others: StageResults,
  directory: string,
): Promise<void> {
  const layers = layersOf(origin, others);
  const copy = (rootfs: string, path: string) => copyTree(pathInside(rootfs, path), directory);
  if (layers !== undefined) {
    await withRootfs(parts, layers, (rootfs) => copy(rootfs, source));
    return;
  }
  const digest = await digestOfMount(parts, origin, source, others);
  const { diffId, name } = await layerOfPath(parts, origin, source, digest);
  await withRootfs(parts, diffId === undefined ? [] : [diffId], (rootfs) => copy(rootfs, name));
}
