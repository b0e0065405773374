import { PathExt } from '@jupyterlab/coreutils';
import type { Contents, ServerConnection } from '@jupyterlab/services';

import type { ModelSource, SourceFile } from '../worker/protocol';

/** Longest file that a wasm heap of 4 GiB can hold with what a run needs. */
const MOST_BYTES = 2 ** 31;

/** A model's place on the server: `path` of a notebook's output, made absolute. Throws when it leaves the server's folder. */
export function resolveModelPath(path: string, notebook: string): string {
  const resolved = PathExt.join(PathExt.dirname(notebook), path);
  if (resolved === '..' || resolved.startsWith('../') || resolved.startsWith('/')) {
    throw new Error(`model path outside: '${path}' leads out of the server's folder (seen from '${notebook}')`);
  }
  return resolved;
}

/**
 * The files of a model on the server: of a folder, also those in its folder `onnx`; of one .onnx file, those beside it.
 * Nothing is read but names and sizes.
 */
export async function modelSource(
  contents: Contents.IManager,
  settings: ServerConnection.ISettings,
  path: string
): Promise<ModelSource> {
  const found = await contents.get(path, { content: false }).catch((error: { response?: Response }) => {
    throw new Error(
      error.response?.status === 404
        ? `model missing: '${path}' is not on the server`
        : `model unreadable: '${path}' (${error instanceof Error ? error.message : 'the server did not answer'})`
    );
  });
  const isFolder = found.type === 'directory';
  const folder = isFolder ? path : PathExt.dirname(path);
  const files = await filesIn(contents, folder, '');
  const inner = isFolder && (await hasFolder(contents, folder, 'onnx')) ? await filesIn(contents, folder, 'onnx') : [];
  return {
    label: PathExt.basename(path),
    ...(isFolder ? {} : { model: PathExt.basename(path) }),
    files: [...files, ...inner],
    headers: settings.token ? { Authorization: `token ${settings.token}` } : {}
  };
}

/** Files dropped on the page; they are never uploaded. */
export function droppedSource(files: readonly File[]): ModelSource {
  const model = files.find(({ name }) => name.endsWith('.onnx'));
  if (!model) {
    throw new Error(
      `model missing: no .onnx file among ${files.map(({ name }) => `'${name}'`).join(', ') || 'no files'}`
    );
  }
  const sources = files.map(file => ({ name: file.name, size: file.size, content: file }));
  return { label: model.name, model: model.name, files: sources, headers: {} };
}

async function hasFolder(contents: Contents.IManager, folder: string, name: string): Promise<boolean> {
  return (await listing(contents, folder)).some(entry => entry.type === 'directory' && entry.name === name);
}

async function listing(contents: Contents.IManager, folder: string): Promise<readonly Contents.IModel[]> {
  const { content } = await contents.get(folder, { content: true, type: 'directory' });
  return content as readonly Contents.IModel[];
}

async function filesIn(contents: Contents.IManager, folder: string, inner: string): Promise<SourceFile[]> {
  const entries = (await listing(contents, PathExt.join(folder, inner))).filter(({ type }) => type !== 'directory');
  return Promise.all(
    entries.map(async entry => {
      const size = entry.size ?? undefined;
      if (size !== undefined && size > MOST_BYTES) {
        throw new Error(`model too large: '${entry.name}' has ${size} bytes, the page can hold ${MOST_BYTES}`);
      }
      const content = await contents.getDownloadUrl(entry.path);
      return { name: PathExt.join(inner, entry.name), ...(size === undefined ? {} : { size }), content };
    })
  );
}
