import { isFullId, newId } from "#base";
import { type ContainerTable, containerTable, type Database } from "#db";
import { errors } from "../errors.ts";
import { type Container, decodeContainer, encodeDocument, encodeLife } from "./container.ts";
import { generateName } from "./generate-name.ts";

const validName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** All containers of this daemon, in memory and in the database. Writes are durable when they return. */
export type ContainerRegistry = {
  /** By full id, exact name (with or without slash), unique id prefix; throws in Docker's words. */
  get(reference: string): Container;
  find(reference: string): Container | undefined;
  byId(id: string): Container | undefined;
  byName(name: string): Container | undefined;
  all(): Iterable<Container>;
  /** Checks a name's form and that it is free; throws. */
  claimName(name: string | undefined, id: string): string;
  /** Frees a claimed name that `add` was never called for. */
  releaseName(name: string): void;
  /** Stores a new container under its claimed name. */
  add(container: Container): void;
  rename(container: Container, name: string): void;
  saveLife(container: Container): void;
  /** Like `saveLife`, but a power cut may undo it: for "it runs", which a power cut makes untrue. */
  saveStarted(container: Container): void;
  saveDocument(container: Container): void;
  delete(container: Container): void;
};

/** Loads every container. A row that cannot be read is left alone and reported through `onCorrupt`. */
export function openRegistry(database: Database, onCorrupt: (id: string, error: unknown) => void): ContainerRegistry {
  const table: ContainerTable = containerTable(database);
  const byId = new Map<string, Container>();
  const byName = new Map<string, Container>();
  /** Names given to a create that is under way. */
  const claimed = new Map<string, string>();

  for (const row of table.all()) {
    try {
      const container = decodeContainer(row);
      byId.set(container.id, container);
      byName.set(container.name, container);
    } catch (error) {
      onCorrupt(row.id, error);
    }
  }

  const find = (reference: string): Container | undefined => {
    const exact = byId.get(reference) ?? byName.get(reference.replace(/^\//, ""));
    if (exact !== undefined || isFullId(reference) || reference === "") return exact;
    if (!/^[0-9a-f]+$/.test(reference)) return undefined;
    let match: Container | undefined;
    for (const [id, container] of byId) {
      if (!id.startsWith(reference)) continue;
      if (match !== undefined) throw errors.containerAmbiguous(reference);
      match = container;
    }
    return match;
  };

  const holderOf = (name: string) => byName.get(name)?.id ?? claimed.get(name);

  return {
    find,
    get: (reference) => {
      const container = find(reference);
      if (container === undefined) {
        throw reference === "" ? errors.containerUnnamed() : errors.containerNotFound(reference);
      }
      return container;
    },
    byId: (id) => byId.get(id),
    byName: (name) => byName.get(name),
    all: () => byId.values(),
    claimName: (requested, id) => {
      if (requested !== undefined && requested !== "") {
        const name = requested.replace(/^\//, "");
        if (!validName.test(name)) throw errors.nameInvalid(requested);
        const holder = holderOf(name);
        if (holder !== undefined) throw errors.nameTaken(name, holder);
        claimed.set(name, id);
        return name;
      }
      // Docker tries six generated names, from the second on with a digit, then the short id.
      for (let attempt = 0; attempt < 6; attempt++) {
        const name = generateName(attempt);
        if (holderOf(name) !== undefined) continue;
        claimed.set(name, id);
        return name;
      }
      const name = id.slice(0, 12);
      claimed.set(name, id);
      return name;
    },
    releaseName: (name) => void claimed.delete(name),
    add: (container) => {
      table.insert({
        id: container.id,
        name: container.name,
        document: encodeDocument(container.document),
        state: encodeLife(container.life),
      });
      claimed.delete(container.name);
      byId.set(container.id, container);
      byName.set(container.name, container);
    },
    rename: (container, name) => {
      if (!validName.test(name)) throw errors.nameInvalid(name);
      if (name === container.name) throw errors.renameSame();
      const holder = holderOf(name);
      if (holder !== undefined) throw errors.renameTaken(name, holder);
      table.rename(container.id, name);
      byName.delete(container.name);
      container.name = name;
      byName.set(name, container);
    },
    saveLife: (container) => table.updateState(container.id, encodeLife(container.life)),
    saveStarted: (container) => database.relaxed(() => table.updateState(container.id, encodeLife(container.life))),
    saveDocument: (container) => table.updateDocument(container.id, encodeDocument(container.document)),
    delete: (container) => {
      table.delete(container.id);
      byId.delete(container.id);
      byName.delete(container.name);
    },
  };
}

/** A container id no container has. */
export function freshContainerId(registry: ContainerRegistry): string {
  for (;;) {
    const id = newId();
    if (registry.byId(id) === undefined) return id;
  }
}
