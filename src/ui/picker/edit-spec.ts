import { listAnalyses } from '../../report/list-analyses';
import type { ModelReference } from '../../report/payload';
import type { CheckedPayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import { button, element } from '../element';
import type { OutputServices } from '../services';
import { knownPaths } from './known-paths';
import { modal } from './modal';
import type { ModelField } from './model-field';
import { modelField } from './model-field';
import type { SpecPane } from './spec-pane';
import { specPane } from './spec-pane';

export interface EditOptions {
  readonly services: OutputServices;
  /** The output's own, open or not. */
  readonly client: ModelClient | undefined;
  /** Under the form. */
  readonly note?: string;
  /** Path of the notebook where another model may be named; a dropped one has no path to change. */
  readonly notebook?: string;
}

export interface EditedSpec {
  readonly model: ModelReference;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The form of an output's spec; the new one, or undefined when cancelled. */
export async function editSpec(
  { analysis, payload }: CheckedPayload,
  { services, client, note, notebook }: EditOptions
): Promise<EditedSpec | undefined> {
  const { trans } = services;
  const entry = listAnalyses().find(({ id }) => id === analysis.id)!;
  let edited: EditedSpec | undefined;
  let pane: SpecPane | undefined;
  const form = element('div');
  const cost = element('div', { class: 'jp-orrery-modal-status' });
  const read = (): EditedSpec | undefined => {
    const [spec, model] = [pane?.value(), field ? field.reference() : payload.model];
    // What is named as before keeps its hash.
    return spec && model && { model: model.path === payload.model.path ? payload.model : model, spec };
  };
  const run = button(
    trans.__('Run'),
    () => {
      edited = read();
      dialog.close();
    },
    'accept'
  );
  const refresh = (): void => {
    run.disabled = read() === undefined;
  };
  const show = (): void => {
    const isFirst = pane === undefined;
    const given = pane?.value() ?? payload.spec;
    pane?.dispose();
    pane = specPane({
      entry,
      given,
      client: field ? field.client() : client,
      trans,
      onChange: () => queueMicrotask(refresh)
    });
    form.replaceChildren(pane.node);
    cost.replaceChildren(pane.cost);
    if (isFirst) {
      form.querySelector<HTMLElement>('textarea, input, select')?.focus();
    }
  };
  const { path } = payload.model;
  const field: ModelField | undefined =
    notebook === undefined || path === undefined
      ? undefined
      : modelField({
          services,
          notebook,
          paths: pathsFrom(path, services, notebook),
          choose: () => dialog.aside(() => services.choose(notebook)),
          onChange: () => queueMicrotask(show)
        });
  const dialog = modal(
    trans.__('Edit the analysis'),
    ...(field ? [field.node] : []),
    element(
      'div',
      { class: 'jp-orrery-editor' },
      form,
      note === undefined ? undefined : element('p', { class: 'jp-orrery-note' }, note)
    ),
    element(
      'div',
      { class: 'jp-orrery-modal-foot' },
      cost,
      button(trans.__('Cancel'), () => dialog.close()),
      run
    )
  );
  if (!field) {
    show();
  }
  await dialog.closed;
  pane?.dispose();
  field?.dispose();
  return edited;
}

/** The output's own first. */
function pathsFrom(path: string, services: OutputServices, notebook: string): string[] {
  const { open, before } = knownPaths(services, notebook);
  return [...new Set([path, ...open, ...before])];
}
