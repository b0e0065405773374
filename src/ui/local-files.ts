/** A file of this computer, under its name in the folder that holds it: 'onnx/model.onnx'. */
export interface LocalFile {
  readonly name: string;
  readonly file: File;
}

/** What was dropped on the page, or chosen in a dialog. */
export interface LocalFiles {
  /** The folder's name, where one folder was given. */
  readonly folder?: string;
  readonly files: readonly LocalFile[];
}

/** Files without a folder. */
export const looseFiles = (files: Iterable<File>): LocalFiles => ({
  files: Array.from(files, file => ({ name: file.name, file }))
});

/** As on the hub. */
const INNER = 'onnx';

/**
 * The files of a drop: of one folder, its own and those in its folder `onnx`, as on the server; else those that were dropped. Throws a
 * sentence where several folders were. To be called while the event is handled: later the browser forgets what was dropped.
 */
export async function droppedFiles(transfer: DataTransfer | null): Promise<LocalFiles> {
  const loose = looseFiles(transfer?.files ?? []);
  const entries = Array.from(transfer?.items ?? []).flatMap(item => item.webkitGetAsEntry?.() ?? []);
  const folders = entries.filter(isFolder);
  if (folders.length === 0) {
    return loose;
  }
  if (entries.length === 1) {
    return { folder: folders[0].name, files: await filesIn(await listing(folders[0])) };
  }
  if (folders.some(({ name }) => name !== INNER)) {
    const names = folders.map(({ name }) => `'${name}'`).join(', ');
    throw new Error(`several things dropped: ${names} beside others; drop the one folder that holds the model`);
  }
  return { files: await filesIn(entries) };
}

async function filesIn(entries: readonly FileSystemEntry[]): Promise<LocalFile[]> {
  const inner = entries.filter(isFolder).find(({ name }) => name === INNER);
  const nested = inner ? await listing(inner) : [];
  return Promise.all([
    ...entries.filter(isFile).map(entry => localFile(entry, '')),
    ...nested.filter(isFile).map(entry => localFile(entry, `${INNER}/`))
  ]);
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;

const localFile = (entry: FileSystemFileEntry, inner: string): Promise<LocalFile> =>
  new Promise((resolve, reject) =>
    entry.file(file => resolve({ name: `${inner}${entry.name}`, file }), unreadable(entry, reject))
  );

/** The browser gives a folder in portions, the last one empty. */
async function listing(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, unreadable(folder, reject))
    );
    if (some.length === 0) {
      return found;
    }
    found.push(...some);
  }
}

const unreadable =
  ({ name }: FileSystemEntry, reject: (error: Error) => void) =>
  ({ message }: DOMException): void =>
    reject(new Error(`unreadable: '${name}' of this computer (${message})`));
