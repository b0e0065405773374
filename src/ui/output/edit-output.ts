import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import type { CellSource } from './output-place';
import { followSource, isGeneratedBy } from './follow-source';
import { editSpec } from '../picker/edit-spec';
import type { OutputServices } from '../services';

/**
 * Asks for another spec of the same analysis; undefined when cancelled. Where the cell's source is the Python that gives the output, it
 * follows; where it is the user's own, it stays, and the form says so.
 */
export async function editOutput(
  checked: CheckedPayload,
  client: ModelClient | undefined,
  source: CellSource | undefined,
  services: OutputServices
): Promise<CheckedPayload | undefined> {
  const { trans } = services;
  const note =
    !source || source.get().trim() === '' || isGeneratedBy(source, checked)
      ? undefined
      : trans.__('The cell’s code stays as it is: run again, it gives the spec that it names, not this one.');
  const spec = await editSpec(checked, client, services, note);
  if (!spec) {
    return undefined;
  }
  const { analysis, model, seed } = checked.payload;
  const edited = validatePayload({ analysis, model, seed, spec });
  followSource(source, checked, edited);
  return edited;
}
