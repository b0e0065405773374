import { Widget } from '@lumino/widgets';

import type { HeadPlace } from '../figures/part-names';
import type { CheckedPayload } from '../report/validate-payload';
import { validatePayload } from '../report/validate-payload';
import type { ModelClient } from '../worker/client';
import { cardControls } from './card-controls';
import { button, element } from './element';
import type { CellSource } from './edit-output';
import { figureView } from './figure-view';
import { cardOf, hasHeadCard } from './linking/head-card';
import { keepKeys } from './keep-keys';
import { letGoOnEscape } from './linking/let-go-on-escape';
import { linkBar } from './linking/link-bar';
import type { Link } from './linking/linking';
import { Linking } from './linking/linking';
import type { Output } from './output-run';
import { outputFooter } from './output-footer';
import { outputIntroduction } from './output-introduction';
import { OutputRun } from './output-run';
import { onThemeChange } from './page-theme';
import { payloadClient } from './payload-client';
import { progressLine } from './progress-line';
import type { OutputServices } from './services';
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
  /** Of the cell that it stands under; absent where there is none. */
  readonly source?: () => CellSource | undefined;
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
    letGoOnEscape(this.node, () => this._linking);
    keepKeys(this.node);
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
      this._runAs(this._checked);
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
  private _runAs(checked: CheckedPayload, client = () => this._clientOf(checked)): void {
    try {
      this._follow(OutputRun.start(this._shown!, checked, client(), this._services));
    } catch (error) {
      this._say('error', error instanceof Error ? error.message : String(error));
    }
  }

  /** Throws a sentence where the model's place cannot be found. */
  private _clientOf({ payload }: CheckedPayload): ModelClient {
    return payloadClient(payload, this._shown!.notebook, this._services);
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
    this._addLinkBar(this._checked!);
    this._footer.replaceChildren(
      ...outputFooter({
        checked: this._checked!,
        trans,
        onRun: () => this.run(),
        ...(Object.keys(analysis.spec).length && { onEdit: () => void this._edit() }),
        say: (kind, words) => this._say(kind, words)
      })
    );
    this._sayState();
  }

  /** Shared with the other outputs of the same model in this notebook. */
  private _link({ payload: { model, provenance } }: CheckedPayload): Link {
    this._linking = Linking.of(this._shown!.notebook, provenance?.modelHash ?? model.hash ?? `path ${model.path}`);
    return { linking: this._linking, keeper: this };
  }

  private _addLinkBar(checked: CheckedPayload): void {
    const { trans, insert } = this._services;
    const onOpenCard = (head: HeadPlace): void => void insert(cardOf(checked.payload, head));
    const { node, end } = linkBar({ ...this._link(checked), trans, ...(hasHeadCard() && { onOpenCard }) });
    this._endLinkBar = end;
    this._body.before(node);
    this._bar = node;
  }

  private _drawFigures(checked: CheckedPayload): void {
    const { analysis, payload, spec } = checked;
    const link = this._link(checked);
    const folded = (index: number): boolean => analysis.id === CARD && index > 1;
    this._views = analysis
      .figures(payload.result, spec)
      .map((figure, i) => figureView(figure, this._services.trans, { folded: folded(i), under: analysis.title, link }));
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

  private _introduce(): void {
    const { analysis } = this._checked!;
    const { trans } = this._services;
    const checked = this._checked!;
    this._body.replaceChildren(...outputIntroduction(checked, () => this._clientOf(checked), trans));
    const isCard = analysis.id === CARD;
    const run = button(isCard ? trans.__('Open model') : trans.__('Run'), () => this.run(), 'accept');
    const edit = isCard ? [] : [button(trans.__('Edit…'), () => void this._edit())];
    this._footer.replaceChildren(element('div', { class: 'jp-orrery-toolbar' }, run, ...edit));
    this._sayState();
  }

  /** The earlier result stays until there is one of the new spec. */
  private async _edit(): Promise<void> {
    const checked = this._checked!;
    const { editOutput } = await import('./edit-output');
    const edited = await editOutput(checked, this._knownClient(checked), this._shown!.source?.(), this._services);
    if (edited && !this.isDisposed) {
      this._runAs(edited);
    }
  }

  /** Undefined where the model's place cannot be found. */
  private _knownClient(checked: CheckedPayload): ModelClient | undefined {
    try {
      return this._clientOf(checked);
    } catch {
      return undefined;
    }
  }

  private _addControls(): void {
    const checked = this._checked!;
    const controls = cardControls({
      checked,
      client: this._knownClient(checked),
      notebook: this._shown!.notebook,
      services: this._services,
      onRun: (other, client) => {
        if (!this.isDisposed) {
          this._runAs(other, client && (() => client));
        }
      },
      onFault: words => this._say('error', words)
    });
    this._endControls = controls.dispose;
    this._header.append(controls.node);
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
      const progress = state.progress ?? { done: 0, total: 0, label: trans.__('starting') };
      progressLine(this._status, progress, trans, () => this._run?.cancel());
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

  private _say(kind: 'error' | 'note', words: string): void {
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
    this._endLinkBar();
    this._endLinkBar = () => undefined;
    this._bar?.remove();
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
  private _endLinkBar: () => void = () => undefined;
  private _bar: HTMLElement | undefined;
  private _linking: Linking | undefined;
  private _views: readonly View[] = [];
  private _shown: OutputContent | undefined;
  private _checked: CheckedPayload | undefined;
  private _run: OutputRun | undefined;
  private _partial: CheckedPayload | undefined;
}
