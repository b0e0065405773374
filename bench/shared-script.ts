import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A script that other commands use too; loaded where it lies, since it finds the repository by its own place. */
export const sharedScript = (name: string): Promise<Record<string, unknown>> =>
  import(pathToFileURL(join(process.cwd(), 'scripts', name)).href);
