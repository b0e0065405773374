import type { ModelReference } from '../../report/payload';
import type { ModelClient } from '../../worker/client';
import { bytesText } from '../bytes-text';
import { button, element } from '../element';
import { progressLine } from '../progress-line';
import type { OutputServices } from '../services';

export interface ModelField {
  readonly node: HTMLElement;
  /** As it will stand in the notebook; undefined where none is named. */
  reference(): ModelReference | undefined;
  /** Of the path now; undefined where there is none or it leads outside. */
  client(): ModelClient | undefined;
  dispose(): void;
}

export interface ModelFieldOptions {
  readonly services: OutputServices;
  /** Path of the notebook that the model is seen from. */
  readonly notebook: string;
  /** Paths to offer, the first taken. */
  readonly paths: readonly string[];
  /** Asks for a file or folder of the server. */
  readonly choose: () => Promise<string | undefined>;
  /** After another model was named, and after one opened or closed. */
  readonly onChange: () => void;
}

/** Which model: its path with those that are known, a chooser, its state, and a way to open it. */
export function modelField({ services, notebook, paths, choose, onChange }: ModelFieldOptions): ModelField {
  const { trans, manager } = services;
  const input = element('input', {
    class: 'jp-mod-styled',
    type: 'text',
    list: 'jp-orrery-known',
    placeholder: trans.__('models/gpt2')
  });
  input.value = paths[0] ?? '';
  const known = element('datalist', { id: 'jp-orrery-known' }, ...paths.map(value => element('option', { value })));
  const status = element('div', { class: 'jp-orrery-model-status', role: 'status' });
  let opening: AbortController | undefined;
  let state = '';
  const client = (): ModelClient | undefined => {
    try {
      const place = services.locate(input.value.trim(), notebook);
      return input.value.trim() === '' ? undefined : manager.get(place.key, place.source);
    } catch {
      return undefined;
    }
  };
  const open = async (): Promise<void> => {
    const { signal } = (opening = new AbortController());
    status.replaceChildren();
    try {
      await client()?.open({
        signal,
        onProgress: progress => progressLine(status, progress, trans, () => opening?.abort())
      });
      opening = undefined;
      refresh();
    } catch (error) {
      opening = undefined;
      refresh();
      if (!signal.aborted) {
        status.replaceChildren(element('div', { class: 'jp-orrery-error', role: 'alert' }, (error as Error).message));
      }
    }
  };
  const refresh = (): void => {
    const found = client();
    const now = `${input.value} ${found?.state}`;
    if (now === state || opening) {
      return;
    }
    state = now;
    const parts =
      found?.state === 'open'
        ? [trans.__('open, %1 of memory', bytesText(found.heapBytes))]
        : found
          ? [
              trans.__('Not open: costs, tokens and what it cannot serve are not known yet.'),
              button(trans.__('Open model'), () => void open())
            ]
          : [trans.__('A folder with an .onnx file, or the file, relative to the notebook.')];
    status.replaceChildren(...parts);
    onChange();
  };
  const chooser = button(trans.__('Choose…'), () => {
    void choose().then(path => {
      input.value = path ?? input.value;
      refresh();
    });
  });
  input.addEventListener('change', refresh);
  const node = element(
    'div',
    { class: 'jp-orrery-model-field' },
    element('label', {}, element('span', {}, trans.__('Model')), input),
    known,
    chooser,
    status
  );
  const endWatch = manager.onChange(refresh);
  refresh();
  return {
    node,
    reference: () => (input.value.trim() ? { path: input.value.trim() } : undefined),
    client,
    dispose: () => {
      endWatch();
      opening?.abort();
    }
  };
}
