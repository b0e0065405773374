import { createNodeRuntime } from '../runtime/node';
import { openModel } from '../subject/opening/open-model';
import type { Context } from '../subject/context';
import type { ModelFiles } from '../subject/opening/files';
import type { Subject } from '../subject/subject';
import type { Console } from './console';
import { folderFiles } from './folder-files';

export const openSubject = async (path: string, context: Context, dims?: ModelFiles['dims']): Promise<Subject> =>
  openModel({ ...(await folderFiles(path)), ...(dims && { dims }) }, createNodeRuntime(), context);

/** Opens MODEL, gives it to `use`, and closes it whatever happens. `dims`: of tensors that will be fed. */
export const withSubject = async <T>(
  path: string,
  console: Console,
  use: (subject: Subject, context: Context) => Promise<T>,
  dims?: ModelFiles['dims']
): Promise<T> => {
  const context: Context = {
    signal: console.signal,
    progress: ({ done, total, label }) =>
      console.progress(`${label} (${Math.floor((100 * done) / Math.max(1, total))} %)`)
  };
  const subject = await openSubject(path, context, dims);
  try {
    return await use(subject, context);
  } finally {
    await subject.close();
  }
};
