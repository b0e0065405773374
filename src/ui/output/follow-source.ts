import { pythonSource } from '../../report/python-source';
import type { CheckedPayload } from '../../report/validate-payload';
import type { CellSource } from './output-place';

/** Whether a cell's source is the Python that gives this output. */
export function isGeneratedBy(source: CellSource, checked: CheckedPayload): boolean {
  const code = source.get().trim();
  return code !== '' && code === pythonSource(checked);
}

/** Where the cell's source is the Python that gave the output, it gives the new one; the user's own code stays. */
export function followSource(source: CellSource | undefined, before: CheckedPayload, after: CheckedPayload): void {
  const code = pythonSource(after);
  if (source && code !== undefined && isGeneratedBy(source, before)) {
    source.set(code);
  }
}
