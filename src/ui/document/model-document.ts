import { Widget } from '@lumino/widgets';

import type { Progress } from '../../subject/context';
import type { ModelOutline } from '../../subject/opening/outline-model';
import type { ModelClient } from '../../worker/client';
import { Cancelled } from '../../worker/client';
import type { OpenedModel } from '../../worker/protocol';
import { bytesText } from '../bytes-text';
import { button, element } from '../element';
import { onThemeChange } from '../figures/page-theme';
import { progressLine } from '../progress-line';
import type { ModelPlace, OutputServices } from '../services';
import type { DocumentBody } from './document-body';
import { documentBody } from './document-body';
import type { Part } from './model-parts';
import { outlineBody } from './outline-body';
import { skeleton } from './skeleton';

export interface DocumentOptions {
  /** In its heading. */
  readonly title: string;
  /** Its path on the server, or what is said of a file that has none. */
  readonly where: string;
  /** Throws a sentence where the model's place cannot be found. */
  readonly locate: () => ModelPlace;
  readonly services: OutputServices;
  /** The user wants an analysis of the model, or of one part of it. */
  readonly onAnalyse: (part: Part | undefined) => void;
}

/**
 * A model's file as a document. Its frame is there at once; the model opens in its worker, with progress and cancel; an error
 * is one sentence, and the way to try again stays.
 */
export class ModelDocument extends Widget {
  constructor(private readonly _options: DocumentOptions) {
    super();
    this.addClass('jp-orrery-document');
    this.node.append(this._header, this._status, this._body);
    const { locate, services } = _options;
    const { manager } = services;
    this._endWatch = manager.onChange(() => this._refresh());
    this._endTheme = onThemeChange(() => this._shown?.recolour());
    try {
      const { key, source, label } = locate();
      this._client = manager.get(key, source, label);
      this._key = key;
      this._body.replaceChildren(skeleton(services.trans));
    } catch (error) {
      this._fail(error);
    }
  }

  /** A tab that a new page restores behind others opens nothing before it is looked at. */
  protected onAfterAttach(): void {
    this._begin();
  }

  protected onAfterShow(): void {
    this._begin();
  }

  private _begin(): void {
    if (this._client && !this._begun && this.isVisible) {
      this._begun = true;
      void this._open(this._client);
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._endWatch();
      this._endTheme();
      this._opening?.abort();
      this._shown?.dispose();
      super.dispose();
    }
  }

  private async _open(client: ModelClient): Promise<void> {
    const { trans } = this._options.services;
    const { signal } = (this._opening = new AbortController());
    this._show(undefined);
    this._body.replaceChildren(skeleton(trans));
    this._sayProgress({ done: 0, total: 0, label: trans.__('looking for the files') });
    this._refresh();
    try {
      const opened = await client.open({
        signal,
        onProgress: progress => this._sayProgress(progress),
        onOutline: outline => this._showOutline(outline)
      });
      if (!this.isDisposed) {
        this._show(opened);
      }
    } catch (error) {
      this._fail(error);
    } finally {
      this._opening = undefined;
      this._refresh();
    }
  }

  private _show(opened: OpenedModel | undefined): void {
    const { services, onAnalyse } = this._options;
    const chosen = this._shown?.parts.chosen;
    const body = opened && documentBody({ opened, client: this._client!, trans: services.trans, chosen, onAnalyse });
    this._put(body);
    this._status.replaceChildren();
  }

  private _showOutline(outline: ModelOutline): void {
    if (this._opening && !this.isDisposed) {
      this._put(outlineBody(outline, this._client!, this._options.services.trans));
    }
  }

  /** In place of what was shown; a focus on the picture stays on its part. */
  private _put(body: DocumentBody | undefined): void {
    const focused = this._shown?.parts.node.contains(document.activeElement);
    this._shown?.dispose();
    this._shown = body;
    this._body.replaceChildren(...(body ? [body.node] : []));
    if (focused) {
      body?.parts.focus();
    }
  }

  private _fail(error: unknown): void {
    if (this.isDisposed) {
      return;
    }
    const { trans } = this._options.services;
    const cancelled = error instanceof Cancelled;
    const words = cancelled ? trans.__('Cancelled: the model is not open.') : String((error as Error).message ?? error);
    this._put(undefined);
    this._status.replaceChildren(
      element(
        'div',
        { class: cancelled ? 'jp-orrery-note' : 'jp-orrery-error', role: cancelled ? 'status' : 'alert' },
        words
      )
    );
  }

  /** The header; and the model closed from elsewhere, or its worker lost. */
  private _refresh(): void {
    if (this.isDisposed) {
      return;
    }
    const { title, where, services, onAnalyse } = this._options;
    const { trans } = services;
    const client = this._client;
    const open = client?.state === 'open';
    if (!open && !this._opening && this._shown) {
      this._show(undefined);
      this._status.replaceChildren(
        element(
          'div',
          { class: 'jp-orrery-note', role: 'status' },
          trans.__('The model is closed; its memory was given back.')
        )
      );
    }
    const state = open
      ? trans.__('open, %1 of memory', bytesText(client.heapBytes))
      : this._opening
        ? trans.__('opening')
        : trans.__('not open');
    this._header.replaceChildren(
      element('h2', {}, title),
      element('span', { class: 'jp-orrery-model' }, where),
      element('span', { class: 'jp-orrery-memory', role: 'status' }, state),
      element(
        'span',
        { class: 'jp-orrery-document-buttons' },
        open ? button(trans.__('Analyse…'), () => onAnalyse(undefined), 'accept') : undefined,
        open ? button(trans.__('Close model'), () => services.manager.close(this._key)) : undefined,
        client && !open && !this._opening
          ? button(trans.__('Open model'), () => void this._open(client), 'accept')
          : undefined
      )
    );
  }

  private _sayProgress(progress: Progress): void {
    if (!this.isDisposed && this._opening) {
      progressLine(this._status, progress, this._options.services.trans, () => this._opening?.abort());
    }
  }

  private readonly _header = element('div', { class: 'jp-orrery-document-header' });
  private readonly _status = element('div', { class: 'jp-orrery-status' });
  private readonly _body = element('div', { class: 'jp-orrery-document-body' });
  private readonly _endWatch: () => void;
  private readonly _endTheme: () => void;
  private readonly _client: ModelClient | undefined;
  private readonly _key: string = '';
  private _begun = false;
  private _opening: AbortController | undefined;
  private _shown: DocumentBody | undefined;
}
