import { createNodeRuntime } from '../runtime/node';
import { openModel } from '../subject/opening/open-model';
import type { Context } from '../subject/context';
import type { ModelFiles } from '../subject/opening/files';
import type { Subject } from '../subject/subject';
import type { Console } from './console';
import { folderFiles } from './folder-files';

interface Opening {
  /** MODEL: a folder or an .onnx file. */
  readonly path: string;
  readonly threads?: number;
  /** Of tensors that will be fed. */
  readonly dims?: ModelFiles['dims'];
}

export const openSubject = async ({ path, threads, dims }: Opening, context: Context): Promise<Subject> =>
  openModel({ ...(await folderFiles(path)), ...(dims && { dims }) }, createNodeRuntime(threads), context);

/** Opens MODEL, gives it to `use`, and closes it whatever happens. */
export const withSubject = async <T>(
  opening: Opening,
  console: Console,
  use: (subject: Subject, context: Context) => Promise<T>
): Promise<T> => {
  const context: Context = {
    signal: console.signal,
    progress: ({ done, total, label }) =>
      console.progress(`${label} (${Math.floor((100 * done) / Math.max(1, total))} %)`)
  };
  const subject = await openSubject(opening, context);
  try {
    return await use(subject, context);
  } finally {
    await subject.close();
  }
};
