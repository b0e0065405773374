import { listAnalyses } from '../../report/list-analyses';
import type { CheckedPayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import { button, element } from '../element';
import type { OutputServices } from '../services';
import { modal } from './modal';
import { specPane } from './spec-pane';

/** The form of an output's spec, with a note under it; the new one, or undefined when cancelled. */
export async function editSpec(
  { analysis, payload }: CheckedPayload,
  client: ModelClient | undefined,
  { trans }: OutputServices,
  note: string | undefined
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const entry = listAnalyses().find(({ id }) => id === analysis.id)!;
  let edited: Readonly<Record<string, unknown>> | undefined;
  const run = button(
    trans.__('Run'),
    () => {
      edited = pane.value();
      dialog.close();
    },
    'accept'
  );
  const refresh = (): void => {
    run.disabled = pane.value() === undefined;
  };
  const pane = specPane({ entry, given: payload.spec, client, trans, onChange: () => queueMicrotask(refresh) });
  const dialog = modal(
    trans.__('Edit the analysis'),
    element(
      'div',
      { class: 'jp-orrery-editor' },
      pane.node,
      note === undefined ? undefined : element('p', { class: 'jp-orrery-note' }, note)
    ),
    element(
      'div',
      { class: 'jp-orrery-modal-foot' },
      element('div', { class: 'jp-orrery-modal-status' }, pane.cost),
      button(trans.__('Cancel'), () => dialog.close()),
      run
    )
  );
  await dialog.closed;
  pane.dispose();
  return edited;
}
