import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createContext, runInContext, type Context } from 'node:vm';

export interface FirstLoad {
  /** Names of the files in static/ that were loaded, in order. */
  readonly files: readonly string[];
  readonly plugins: number;
}

interface Build {
  readonly load: string;
  readonly extension?: string;
  readonly style?: string;
  readonly mimeExtension?: string;
}

/**
 * Loads a built extension as JupyterLab does at its start, in a sandbox without a browser: the remote entry, its style and
 * extension modules, then every plugin's `activate`. Whatever belongs to the host (DOM, shared packages, services) is a
 * stand-in that answers anything. Throws where a plugin cannot be activated, since files might then be missing.
 */
export const firstLoad = async (folder: string): Promise<FirstLoad> => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const build = manifest.jupyterlab._build;
  const files: string[] = [];
  const sandbox = browser(file => {
    files.push(file);
    return readFileSync(join(folder, 'static', file), 'utf8');
  });
  sandbox.load(basename(build.load));
  const container = sandbox.container(manifest.name);
  await container.init(sharedPackages());
  let plugins = 0;
  for (const module of [build.style, build.extension, build.mimeExtension].filter(name => name !== undefined)) {
    const exported = (await container.get(module))() as { readonly default?: unknown };
    plugins += module === build.style ? 0 : await activateAll(exported.default);
  }
  return { files, plugins };
};

interface Manifest {
  readonly name: string;
  readonly jupyterlab: { readonly _build: Build };
}

interface Container {
  init(scope: unknown): unknown;
  get(module: string): Promise<() => unknown>;
}

interface Plugin {
  readonly id?: string;
  activate?(...services: readonly unknown[]): unknown;
}

const activateAll = async (exported: unknown): Promise<number> => {
  const plugins = [exported].flat() as readonly Plugin[];
  for (const plugin of plugins) {
    try {
      await plugin.activate?.(...Array.from({ length: 32 }, anything));
    } catch (error) {
      throw new Error(`plugin '${plugin.id}' cannot be activated in the sandbox: ${String(error)}`, { cause: error });
    }
  }
  return plugins.length;
};

/** What a class of the host gives to those that extend it: every member that they lack. */
const inherited = (): object =>
  new Proxy({} as Record<string, unknown>, {
    get: (members, key) => (typeof key === 'symbol' || key === 'then' ? undefined : (members[key] ??= anything()))
  });

/** A function that is a class as well. */
function standIn(): Record<PropertyKey, unknown> {
  function stand() {}
  stand.prototype = inherited();
  return stand as unknown as Record<PropertyKey, unknown>;
}

/** A function, class and object whose every member, result and instance is again such a thing; not a promise. */
const anything = (): unknown =>
  new Proxy(standIn(), {
    get: (target, key) => {
      if (key === 'then') {
        return undefined;
      }
      if (key === Symbol.toPrimitive) {
        return () => '';
      }
      if (key === Symbol.iterator) {
        return () => [][Symbol.iterator]();
      }
      return (target[key] ??= anything());
    },
    apply: anything,
    construct: (target, args, newTarget) => Reflect.construct(Object, args, newTarget) as object
  });

/** The host's share scope: JupyterLab's own packages, in the versions of the release that is built against. */
const sharedPackages = (): unknown => {
  const core = JSON.parse(readFileSync('node_modules/@jupyterlab/core-meta/core.package.json', 'utf8')) as Core;
  return Object.fromEntries(
    Object.entries(core.resolutions).map(([name, range]) => {
      const module = anything();
      const version = range.replace(/^[~^]/, '');
      return [
        name,
        { [version]: { get: () => Promise.resolve(() => module), from: 'jupyterlab', loaded: 1, eager: false } }
      ];
    })
  );
};

interface Core {
  readonly resolutions: Readonly<Record<string, string>>;
}

interface Browser {
  load(file: string): void;
  container(name: string): Container;
}

interface Script {
  src: string;
  onload?: (event: unknown) => void;
}

/** As much of a page as a bundle's loader needs: script elements that run when they are appended. */
const browser = (read: (file: string) => string): Browser => {
  const known: Record<string, unknown> = {};
  const load = (file: string): void => {
    known.currentScript = { src: `http://localhost/static/${file}`, tagName: 'SCRIPT' };
    runInContext(read(file), context, { filename: file });
  };
  const append = (element: unknown): unknown => {
    const script = element as Partial<Script>;
    if (typeof script.src === 'string') {
      load(basename(new URL(script.src).pathname));
      queueMicrotask(() => script.onload?.({ type: 'load' }));
    }
    return element;
  };
  const head = { appendChild: append, append };
  Object.assign(known, {
    head,
    createElement: (tag: string) =>
      tag === 'script' ? { setAttribute: () => undefined, getAttribute: () => null } : anything(),
    getElementsByTagName: () => [],
    querySelector: () => head,
    baseURI: 'http://localhost/'
  });
  const page = new Proxy(known, { get: (target, key) => (target[key as string] ??= anything()) });
  const context = globals(page);
  return { load, container: name => (context._JUPYTERLAB as Record<string, Container>)[name] };
};

const globals = (page: unknown): Context => {
  const host = [
    'HTMLElement',
    'Element',
    'Node',
    'Worker',
    'MutationObserver',
    'ResizeObserver',
    'matchMedia',
    'navigator'
  ];
  const own: Record<string, unknown> = {
    document: page,
    location: new URL('http://localhost/lab'),
    ...Object.fromEntries(host.map(name => [name, anything()])),
    ...{
      URL,
      TextEncoder,
      TextDecoder,
      AbortController,
      queueMicrotask,
      setTimeout,
      clearTimeout,
      console,
      performance
    }
  };
  return createContext(Object.assign(own, { window: own, self: own, globalThis: own }));
};
