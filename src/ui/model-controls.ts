import type { ModelClient } from '../worker/client';
import { droppedFiles, type LocalFiles } from './local-files';
import { button, element } from './element';
import type { OutputServices } from './services';

export interface ModelControls {
  readonly node: HTMLElement;
  dispose(): void;
}

export interface ControlOptions {
  readonly client: ModelClient | undefined;
  readonly services: OutputServices;
  /** The user wants another model of the server. */
  readonly onChoose: () => void;
  /** The user dropped files of their own. */
  readonly onDrop: (files: Promise<LocalFiles>) => void;
  readonly onClose: () => void;
}

/** Beside a model's card: its memory, close it, choose another, or drop one. */
export function modelControls({ client, services, onChoose, onDrop, onClose }: ControlOptions): ModelControls {
  const { trans } = services;
  const memory = element('span', { class: 'jp-orrery-memory' });
  const close = button(trans.__('Close model'), onClose);
  const choose = button(trans.__('Choose another…'), onChoose);
  const hint = element('span', { class: 'jp-orrery-hint' }, trans.__('or drop an .onnx file with its companions here'));
  const node = element('div', { class: 'jp-orrery-model-controls' }, memory, close, choose, hint);
  const refresh = (): void => {
    const open = client?.state === 'open';
    close.hidden = !open;
    memory.textContent = open
      ? trans.__('open in its own worker, %1 MB of memory', Math.max(1, Math.round(client.heapBytes / 2 ** 20)))
      : trans.__('not open');
  };
  node.addEventListener('dragover', event => {
    event.preventDefault();
    node.classList.add('jp-mod-drop');
  });
  node.addEventListener('dragleave', () => node.classList.remove('jp-mod-drop'));
  node.addEventListener('drop', event => {
    event.preventDefault();
    event.stopPropagation();
    node.classList.remove('jp-mod-drop');
    onDrop(droppedFiles(event.dataTransfer));
  });
  refresh();
  return { node, dispose: services.manager.onChange(refresh) };
}
