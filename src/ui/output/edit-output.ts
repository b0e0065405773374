import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import type { CellSource } from './output-place';
import { followSource, isGeneratedBy } from './follow-source';
import { editSpec } from '../picker/edit-spec';
import type { OutputServices } from '../services';

export interface EditedOutput {
  readonly client: ModelClient | undefined;
  readonly source: CellSource | undefined;
  /** Its path. */
  readonly notebook: string;
  readonly services: OutputServices;
}

/**
 * Asks for another spec of the same analysis, or another model; undefined when cancelled. Where the cell's source is the Python that gives the output, it
 * follows; where it is the user's own, it stays, and the form says so.
 */
export async function editOutput(
  checked: CheckedPayload,
  { client, source, notebook, services }: EditedOutput
): Promise<CheckedPayload | undefined> {
  const { trans } = services;
  const note =
    !source || source.get().trim() === '' || isGeneratedBy(source, checked)
      ? undefined
      : trans.__('The cell’s code stays as it is: run again, it gives the spec that it names, not this one.');
  const asked = await editSpec(checked, { services, client, notebook, ...(note !== undefined && { note }) });
  if (!asked) {
    return undefined;
  }
  const { analysis, seed } = checked.payload;
  const edited = validatePayload({ analysis, seed, ...asked });
  followSource(source, checked, edited);
  return edited;
}
