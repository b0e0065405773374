import { Widget } from '@lumino/widgets';

import { cacheUse, clearCache } from '../worker/file-cache';
import type { ManagedModel } from '../worker/model-manager';
import { bytesText } from './bytes-text';
import { button, element } from './element';
import { droppedFiles, type LocalFiles } from './local-files';
import type { OutputServices } from './services';

export interface PanelOptions {
  readonly services: OutputServices;
  /** Shows the model's document. */
  readonly onShow: (path: string) => void;
  /** Asks which model of the server to open. */
  readonly onOpen: () => void;
  /** Asks for files of this computer. */
  readonly onOpenLocal: () => void;
  /** Files or a folder were dropped. */
  readonly onLocal: (files: Promise<LocalFiles>) => void;
  /** Shows the document of a model of this computer. */
  readonly onShowLocal: (model: ManagedModel) => void;
}

/** The page's open models with their state and memory, and those that were open before. */
export class ModelPanel extends Widget {
  constructor(private readonly _options: PanelOptions) {
    super();
    this.addClass('jp-orrery-models');
    this._listen();
    this._endWatch = _options.services.manager.onChange(() => this._draw());
    this._draw();
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._endWatch();
      super.dispose();
    }
  }

  /** Anywhere in the panel. */
  private _listen(): void {
    const over = (event: DragEvent, isOver: boolean): void => {
      if (event.dataTransfer?.types.includes('Files')) {
        event.preventDefault();
        this.toggleClass('jp-mod-drop', isOver);
      }
    };
    this.node.addEventListener('dragover', event => over(event, true));
    this.node.addEventListener('dragleave', event => over(event, false));
    this.node.addEventListener('drop', event => {
      over(event, false);
      if (event.defaultPrevented) {
        event.stopPropagation();
        this._options.onLocal(droppedFiles(event.dataTransfer));
      }
    });
  }

  /** What the browser keeps of the server's files, and a way to have it back. */
  private async _drawCache(): Promise<void> {
    const { trans } = this._options.services;
    const { files, bytes } = await cacheUse();
    if (this.isDisposed) {
      return;
    }
    const words = trans._n('%1 file, %2.', '%1 files, %2.', files, bytesText(bytes));
    const clear = button(trans.__('Clear'), () => void clearCache().then(() => this._drawCache()));
    this._cache.replaceChildren(
      element('h3', {}, trans.__('Kept in this browser')),
      element(
        'p',
        {},
        files ? words : trans.__('Nothing.'),
        ' ',
        trans.__('Files of the server are kept, at most 2 GB, so that each travels once; the oldest make room.')
      ),
      ...(files ? [labelled(clear, trans.__('Clear what is kept in this browser'))] : [])
    );
  }

  private _draw(): void {
    const { services, onOpen, onOpenLocal } = this._options;
    const { trans, manager, recent } = services;
    const models = manager.list();
    const memory = models.reduce((sum, { client }) => sum + client.heapBytes, 0);
    const open = new Set(models.map(({ key }) => key));
    const before = recent.list().filter(path => !open.has(path));
    const focused = this._focusedLabel();
    this.node.replaceChildren(
      element(
        'div',
        { class: 'jp-orrery-models-open' },
        button(trans.__('Open a model…'), onOpen, 'accept'),
        button(trans.__('Of this computer…'), onOpenLocal)
      ),
      element(
        'p',
        { class: 'jp-orrery-hint' },
        trans.__(
          'Or drop a model’s folder here, or its .onnx file with what lies beside it: they are read in this page and not uploaded.'
        )
      ),
      element('h3', {}, trans.__('Open models')),
      models.length
        ? element('ul', {}, ...models.map(model => this._modelItem(model)))
        : element(
            'p',
            {},
            trans.__('None. A model opens when it is double-clicked in the file browser, or when an analysis runs.')
          ),
      models.length ? element('p', { role: 'status' }, trans.__('%1 of memory in all', bytesText(memory))) : '',
      element('h3', {}, trans.__('Recent')),
      before.length
        ? element('ul', {}, ...before.map(path => this._recentItem(path)))
        : element('p', {}, trans.__('None besides.')),
      this._cache
    );
    this._focus(focused);
    void this._drawCache();
  }

  private _modelItem(model: ManagedModel): HTMLElement {
    const { key, label, client } = model;
    const { services, onShow, onShowLocal } = this._options;
    const { trans, manager } = services;
    const state = client.state === 'open' ? bytesText(client.heapBytes) : trans.__('opening');
    return element(
      'li',
      {},
      link(label, () => (isDropped(key) ? onShowLocal(model) : onShow(key))),
      element('span', { class: 'jp-orrery-hint' }, state),
      labelled(
        button(trans.__('Close'), () => manager.close(key)),
        trans.__('Close %1', label)
      )
    );
  }

  private _recentItem(path: string): HTMLElement {
    const { services, onShow } = this._options;
    const { trans, recent } = services;
    const forget = (): void => {
      recent.forget(path);
      this._draw();
    };
    return element(
      'li',
      {},
      link(path, () => onShow(path)),
      labelled(button(trans.__('Forget'), forget), trans.__('Forget %1', path))
    );
  }

  /** Drawing anew keeps the focus where it was, or brings it to the first button. */
  private _focusedLabel(): string | undefined {
    const { activeElement } = document;
    return activeElement && this.node.contains(activeElement) ? labelOf(activeElement) : undefined;
  }

  private _focus(label: string | undefined): void {
    if (label !== undefined) {
      const buttons = [...this.node.querySelectorAll('button')];
      (buttons.find(one => labelOf(one) === label) ?? buttons[0]).focus();
    }
  }

  private readonly _cache = element('div', {});
  private readonly _endWatch: () => void;
}

const isDropped = (key: string): boolean => key.includes(':');

const labelOf = (node: Element): string => node.getAttribute('aria-label') ?? node.textContent ?? '';

function link(label: string, onClick: () => void): HTMLButtonElement {
  const node = element('button', { type: 'button', class: 'jp-orrery-models-name', title: label }, label);
  node.addEventListener('click', onClick);
  return node;
}

function labelled(node: HTMLButtonElement, label: string): HTMLButtonElement {
  node.setAttribute('aria-label', label);
  return node;
}
