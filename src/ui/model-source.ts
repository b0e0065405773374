import { PathExt } from '@jupyterlab/coreutils';
import type { Contents, ServerConnection } from '@jupyterlab/services';

import type { ModelSource, SourceFile } from '../worker/protocol';
import type { LocalFiles } from './local-files';
import type { ModelPlace } from './services';

/** A model's place on the server: `path` of a notebook's output, made absolute. Throws when it leaves the server's folder. */
export function resolveModelPath(path: string, notebook: string): string {
  const resolved = PathExt.join(PathExt.dirname(notebook), path);
  if (resolved === '..' || resolved.startsWith('../') || resolved.startsWith('/')) {
    throw new Error(`model path outside: '${path}' leads out of the server's folder (seen from '${notebook}')`);
  }
  return resolved;
}

/**
 * The files of a model on the server: of a folder, also those in its folder `onnx`; of one .onnx file, those beside it, and
 * where it lies in a folder `onnx`, as on the hub, those of the folder above.
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
  const own = isFolder ? path : PathExt.dirname(path);
  const above = !isFolder && PathExt.basename(own) === 'onnx' ? await listing(contents, PathExt.dirname(own)) : [];
  const inOnnx = above.some(({ name }) => name === 'tokenizer.json' || name === 'config.json');
  const folder = inOnnx ? PathExt.dirname(own) : own;
  const entries = inOnnx ? above : await listing(contents, folder);
  const hasInner = (isFolder || inOnnx) && entries.some(({ type, name }) => type === 'directory' && name === 'onnx');
  const inner = hasInner ? await listing(contents, PathExt.join(folder, 'onnx')) : [];
  const origin = new URL(settings.baseUrl).origin;
  return {
    label: PathExt.basename(path),
    ...(isFolder ? {} : { model: PathExt.join(inOnnx ? 'onnx' : '', PathExt.basename(path)) }),
    files: [
      ...(await sourceFiles(contents, entries, '', origin)),
      ...(await sourceFiles(contents, inner, 'onnx', origin))
    ],
    headers: settings.token ? { Authorization: `token ${settings.token}` } : {}
  };
}

/** One file of the server. */
export async function fileSource(
  contents: Contents.IManager,
  settings: ServerConnection.ISettings,
  path: string
): Promise<ModelSource> {
  const found = await contents.get(path, { content: false }).catch(() => {
    throw new Error(`file missing: '${path}' is not on the server`);
  });
  return {
    label: PathExt.basename(path),
    files: await sourceFiles(contents, [found], '', new URL(settings.baseUrl).origin),
    headers: settings.token ? { Authorization: `token ${settings.token}` } : {}
  };
}

/** What files of this computer are called that are no folder and hold several models. */
const LOOSE = 'dropped files';

/**
 * A model of this computer's files, under a key of their own: the same files again are the same model. They are never uploaded. Throws
 * where none is a model.
 */
export function localPlace({ folder, files }: LocalFiles): Required<ModelPlace> {
  const models = files.filter(({ name }) => name.toLowerCase().endsWith('.onnx'));
  if (models.length === 0) {
    const names = files.map(({ name }) => `'${name}'`).join(', ') || 'no files';
    throw new Error(
      folder === undefined
        ? `model missing: no .onnx file among ${names}`
        : `model missing: the folder '${folder}' holds no .onnx file, nor does a folder 'onnx' in it`
    );
  }
  const label = folder ?? (models.length === 1 ? models[0].name : LOOSE);
  const key = `dropped:${files.map(({ name, file }) => `${name}:${file.size}:${file.lastModified}`).join('|')}`;
  const sources = files.map(({ name, file }) => ({ name, size: file.size, content: file }));
  return { key, label, source: async () => ({ label, files: sources, headers: {} }) };
}

async function listing(contents: Contents.IManager, folder: string): Promise<readonly Contents.IModel[]> {
  const { content } = await contents.get(folder, { content: true, type: 'directory' });
  return content as readonly Contents.IModel[];
}

/** A drive may keep its files elsewhere: the server's token is not for that place, and nothing is fetched from there. */
async function sourceFiles(
  contents: Contents.IManager,
  entries: readonly Contents.IModel[],
  inner: string,
  origin: string
): Promise<SourceFile[]> {
  const files = entries.filter(({ type }) => type !== 'directory');
  return Promise.all(
    files.map(async ({ name, path, size, last_modified: changed }) => {
      const content = await contents.getDownloadUrl(path);
      const from = new URL(content, origin).origin;
      if (from !== origin) {
        throw new Error(`model elsewhere: '${path}' lies on ${from}, only files of ${origin} are read`);
      }
      return {
        name: PathExt.join(inner, name),
        ...(typeof size === 'number' ? { size, version: `${path}|${size}|${changed}` } : {}),
        content
      };
    })
  );
}
