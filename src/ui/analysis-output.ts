import { Widget } from '@lumino/widgets';

import type { ModelReference } from '../report/payload';
import { provenanceLine } from '../report/provenance';
import type { CheckedPayload } from '../report/validate-payload';
import { validatePayload } from '../report/validate-payload';
import type { Cost } from '../subject/subject';
import type { ModelClient } from '../worker/client';
import { button, element } from './element';
import { figureView } from './figure-view';
import { modelControls } from './model-controls';
import { droppedSource } from './model-source';
import type { Output } from './output-run';
import { isPartial, OutputRun } from './output-run';
import { onThemeChange } from './page-theme';
import type { OutputServices } from './services';
import { specLines } from './spec-lines';
import type { View } from './view';

/** One output as the notebook holds it. */
export interface OutputContent {
  readonly mimeType: string;
  readonly content: unknown;
  /** Path of the notebook, '' where there is none. */
  readonly notebook: string;
  readonly output: Output;
  /** The same for all views of one output. */
  readonly key: object;
  /** Plain words saved beside it, for what cannot be read. */
  readonly fallback?: string;
}

const CARD = 'model-card';

/**
 * The output of one analysis. A saved result is drawn at once, and nothing else happens; without one it says what it will
 * do and waits for Run. While it runs: progress and Cancel. An error is one sentence; what was there before stays.
 */
export class AnalysisOutput extends Widget {
  constructor(private readonly _services: OutputServices) {
    super();
    this.addClass('jp-orrery-output');
    this.node.append(this._header, this._status, this._body, this._footer);
    this.node.addEventListener('keydown', event => this._keepKey(event));
    this._endTheme = onThemeChange(() => this._views.forEach(view => view.recolour()));
  }

  /** Shows the output; called again after each change of it. */
  display(shown: OutputContent): void {
    if (this._shown && this._shown.content === shown.content && this._shown.key === shown.key) {
      return;
    }
    this._shown = shown;
    this._follow(OutputRun.of(shown.key));
    try {
      this._checked = validatePayload(shown.content, shown.mimeType);
    } catch (error) {
      this._refuse(error instanceof Error ? error.message : String(error), shown.fallback);
      return;
    }
    this._draw();
  }

  /** Whether there is something to run: a spec without a result, and no run going on. */
  get waits(): boolean {
    return this._checked !== undefined && this._checked.payload.result === undefined && this._run === undefined;
  }

  run(): void {
    if (this._checked) {
      this._runAs(this._checked, checked => this._clientOf(checked));
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._endTheme();
      this._endFollow();
      this._clear();
      super.dispose();
    }
  }

  /** What was shown stays until there is a new result. */
  private _runAs(checked: CheckedPayload, client: (checked: CheckedPayload) => ModelClient): void {
    try {
      this._follow(OutputRun.start(this._shown!, checked, client(checked), this._services));
    } catch (error) {
      this._say('error', error instanceof Error ? error.message : String(error));
    }
  }

  /** Throws a sentence where the model's place cannot be found. */
  private _clientOf({ payload }: CheckedPayload): ModelClient {
    const { path, hash } = payload.model;
    const { manager, locate } = this._services;
    if (path === undefined) {
      const dropped = manager.list().find(({ client }) => client.opened?.facts.hash === hash);
      if (!dropped) {
        throw new Error(
          `model not open: the output names ${hash ?? 'no file'}; drop that file on a model's card and run again`
        );
      }
      return dropped.client;
    }
    const place = locate(path, this._shown!.notebook);
    return manager.get(place.key, place.source);
  }

  private _draw(): void {
    const { analysis, payload } = this._checked!;
    const { trans } = this._services;
    this._clear();
    this._header.replaceChildren(
      element('span', { class: 'jp-orrery-title' }, analysis.title),
      element('span', { class: 'jp-orrery-model' }, payload.model.path ?? trans.__('a dropped file'))
    );
    const card = analysis.id === CARD;
    this.toggleClass('jp-mod-card', card);
    if (card) {
      this._addControls();
    }
    if (payload.result === undefined) {
      this._introduce();
      return;
    }
    this._drawFigures(this._checked!);
    this._footer.replaceChildren(
      button(isPartial(this._checked!) ? trans.__('Continue') : trans.__('Run again'), () => this.run()),
      element('span', { class: 'jp-orrery-provenance' }, provenanceLine(payload))
    );
    this._sayState();
  }

  private _drawFigures({ analysis, payload, spec }: CheckedPayload): void {
    const folded = (index: number): boolean => analysis.id === CARD && index > 1;
    this._views = analysis
      .figures(payload.result, spec)
      .map((figure, i) => figureView(figure, this._services.trans, { folded: folded(i), under: analysis.title }));
    this._body.append(...this._views.map(({ node }) => node));
  }

  /** The figures of a result as far as it is there, in place of what was shown. */
  private _drawPartial(partial: CheckedPayload): void {
    if (this._partial !== partial) {
      this._partial = partial;
      const { height } = this._body.getBoundingClientRect();
      this._body.style.minHeight = `${height}px`;
      this._views.forEach(view => view.dispose());
      this._body.replaceChildren();
      this._drawFigures(partial);
      this._body.style.minHeight = '';
    }
  }

  /** What will be done, what it costs, Run. */
  private _introduce(): void {
    const { analysis } = this._checked!;
    const { trans } = this._services;
    const cost = element('p', { class: 'jp-orrery-hint' });
    this._body.replaceChildren(
      element('p', {}, analysis.description),
      ...specLines(this._checked!).map(line => element('div', { class: 'jp-orrery-spec' }, line)),
      cost
    );
    const label = analysis.id === CARD ? trans.__('Open model') : trans.__('Run');
    this._footer.replaceChildren(button(label, () => this.run(), 'accept'));
    void this._tellCost(cost);
    this._sayState();
  }

  private async _tellCost(line: HTMLElement): Promise<void> {
    const { trans } = this._services;
    const checked = this._checked!;
    try {
      const client = this._clientOf(checked);
      if (client.state !== 'open') {
        line.textContent = trans.__(
          'The model is not open yet: it is read first, into a worker of its own in this page.'
        );
        return;
      }
      line.textContent = costWords(await client.cost(checked.analysis.id, checked.payload.spec), this._services);
    } catch (error) {
      line.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  private _addControls(): void {
    const { manager } = this._services;
    let client: ModelClient | undefined;
    try {
      client = this._clientOf(this._checked!);
    } catch {
      client = undefined;
    }
    const controls = modelControls({
      client,
      services: this._services,
      onClose: () =>
        manager
          .list()
          .filter(model => model.client === client)
          .forEach(({ key }) => manager.close(key)),
      onChoose: () => void this._choose(),
      onDrop: files => this._runDropped(files)
    });
    this._endControls = controls.dispose;
    this._header.append(controls.node);
  }

  private async _choose(): Promise<void> {
    const path = await this._services.choose(this._shown!.notebook);
    if (path !== undefined && !this.isDisposed) {
      this._runOn({ path }, checked => this._clientOf(checked));
    }
  }

  /** Files of the user's own: opened in this page, named by their hash in the output. */
  private _runDropped(files: readonly File[]): void {
    this._runOn({}, () => {
      const source = droppedSource(files);
      const key = `dropped:${files.map(({ name, size, lastModified }) => `${name}:${size}:${lastModified}`).join('|')}`;
      return this._services.manager.get(key, async () => source);
    });
  }

  /** The same analysis on another model. */
  private _runOn(model: ModelReference, client: (checked: CheckedPayload) => ModelClient): void {
    const { analysis, seed, spec } = this._checked!.payload;
    try {
      this._runAs(validatePayload({ analysis, model, seed, spec }), client);
    } catch (error) {
      this._say('error', error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * Keys pressed on a control inside are the control's: the notebook would take letters for commands. Esc goes back to the
   * notebook.
   */
  private _keepKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === 'Escape') {
      this.node.closest<HTMLElement>('.jp-Cell')?.focus();
    } else {
      event.stopPropagation();
    }
  }

  private _follow(run: OutputRun | undefined): void {
    this._endFollow();
    this._run = run;
    this._endFollow = run?.onChange(() => this._sayState()) ?? (() => undefined);
    this._sayState();
  }

  private _sayState(): void {
    const state = this._run?.state;
    const { trans } = this._services;
    this._footer.classList.toggle('jp-mod-running', state?.kind === 'running');
    if (state?.kind === 'running') {
      if (state.partial) {
        this._drawPartial(state.partial);
      }
      this._sayProgress(
        state.progress?.label ?? trans.__('starting'),
        state.progress && state.progress.done / state.progress.total
      );
    } else if (state?.kind === 'failed') {
      this._say(
        'error',
        state.kept ? trans.__('%1. What was done is kept: Continue goes on from it.', state.message) : state.message
      );
    } else if (state?.kind === 'cancelled') {
      this._say(
        'note',
        state.kept ? trans.__('Cancelled: what was done is kept.') : trans.__('Cancelled: nothing was changed.')
      );
    } else {
      this._status.replaceChildren();
    }
  }

  private _sayProgress(label: string, share: number | undefined): void {
    const { trans } = this._services;
    const bar = element('progress', { max: 1, value: Number.isFinite(share) ? share : undefined, 'aria-label': label });
    const cancel = button(trans.__('Cancel'), () => this._run?.cancel());
    if (this._status.querySelector('progress')) {
      const [old, words] = [this._status.querySelector('progress')!, this._status.querySelector('span')!];
      old.replaceWith(bar);
      words.textContent = label;
    } else {
      this._status.replaceChildren(
        element('div', { class: 'jp-orrery-progress' }, bar, element('span', {}, label), cancel)
      );
    }
  }

  private _say(kind: 'error' | 'note' | 'progress', words: string): void {
    this._status.replaceChildren(
      element('div', { class: `jp-orrery-${kind}`, role: kind === 'error' ? 'alert' : 'status' }, words)
    );
  }

  /** Content that cannot be read: why, and the words saved beside it. */
  private _refuse(message: string, fallback: string | undefined): void {
    this._checked = undefined;
    this._clear();
    this._header.replaceChildren();
    this._footer.replaceChildren();
    this._say('error', message);
    if (fallback) {
      this._body.replaceChildren(element('pre', { class: 'jp-orrery-text' }, fallback));
    }
  }

  private _clear(): void {
    this._endControls();
    this._endControls = () => undefined;
    this._views.forEach(view => view.dispose());
    this._views = [];
    this._body.replaceChildren();
  }

  private readonly _header = element('div', { class: 'jp-orrery-header' });
  private readonly _status = element('div', { class: 'jp-orrery-status' });
  private readonly _body = element('div', { class: 'jp-orrery-body' });
  private readonly _footer = element('div', { class: 'jp-orrery-footer' });
  private readonly _endTheme: () => void;
  private _endFollow: () => void = () => undefined;
  private _endControls: () => void = () => undefined;
  private _views: readonly View[] = [];
  private _shown: OutputContent | undefined;
  private _checked: CheckedPayload | undefined;
  private _run: OutputRun | undefined;
  private _partial: CheckedPayload | undefined;
}

function costWords({ forwards, bytes, session = 0 }: Cost, { trans }: OutputServices): string {
  const size = (count: number): string =>
    count < 2 ** 20 ? `${Math.ceil(count / 2 ** 10)} kB` : `${(count / 2 ** 20).toFixed(1)} MB`;
  const words = trans._n('Cost: %1 forward, %2 to read.', 'Cost: %1 forwards, %2 to read.', forwards, size(bytes));
  return session > 0 ? `${words} ${trans.__('%1 for the weights once more.', size(session))}` : words;
}
