import { Widget } from '@lumino/widgets';

import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import { cardControls } from './card-controls';
import { button, element } from '../element';
import { keepKeys } from '../keep-keys';
import { Experiments } from './experiments';
import { FigureSet } from './figure-set';
import type { HeightHandle } from './height-handle';
import { heightHandle } from './height-handle';
import { readsText } from './live-text';
import type { OutputContent } from './output-content';
import { OutputLink } from './output-link';
import type { OutputPlace } from './output-place';
import { outputSkeleton } from './output-skeleton';
import { StateLine } from './state-line';
import { outputFooter } from './output-footer';
import { RepeatWatch } from './repeat-watch';
import { outputIntroduction } from './output-introduction';
import { OutputRun } from './output-run';
import { onThemeChange } from '../figures/page-theme';
import { knownClient, payloadClient } from './payload-client';
import { SaveWatch } from './save-watch';
import type { OutputServices } from '../services';

const CARD = 'model-card';

/**
 * The output of one analysis. A saved result is drawn at once, and nothing else happens; without one it says what it will
 * do and waits for Run. While it runs: progress and Cancel, where the buttons are. An error is one sentence; what was there before stays.
 */
export class AnalysisOutput extends Widget {
  constructor(private readonly _services: OutputServices) {
    super();
    const { trans } = _services;
    this.addClass('jp-orrery-output');
    this._state = new StateLine(trans);
    const note = (words: string): void => this._state.say('note', words);
    this._saving = new SaveWatch(() => this._place, trans, note);
    this._repeat = new RepeatWatch(trans, note);
    this._figures = new FigureSet(this._body, trans);
    this._handle = heightHandle(this._body, trans, height => this._shown?.keepHeight?.(height));
    this.node.append(this._header, this._body, this._handle.node, this._state.node, this._footer);
    this._experiments = new Experiments({
      body: this._body,
      services: _services,
      notebook: () => this._shown!.notebook,
      output: () => this._shown!.output,
      place: () => this._place,
      clientOf: checked => this._clientOf(checked),
      linkOf: checked => this._link.of(checked),
      redraw: checked => this._figures.redraw(checked, this._link.of(checked)),
      say: (kind, words) => this._state.say(kind, words),
      insert: payload => this._insert(payload)
    });
    this._link = new OutputLink({
      node: this.node,
      trans,
      notebook: () => this._shown!.notebook,
      insert: payload => this._insert(payload),
      clientOf: checked => this._knownClient(checked)
    });
    keepKeys(this.node);
    this._endTheme = onThemeChange(() => {
      this._figures.recolour();
      this._experiments.recolour();
    });
  }

  /** Shows the output; called again after each change of it. */
  display(shown: OutputContent): void {
    this._handle.show(shown.height);
    if (this._shown && this._shown.content === shown.content && this._shown.key === shown.key) {
      this._shown = shown;
      return;
    }
    this._shown = shown;
    this._follow(OutputRun.of(shown.key));
    try {
      this._checked = validatePayload(shown.content, shown.mimeType);
    } catch (error) {
      this._refuse(sentence(error), shown.fallback);
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
      this._saving.end();
      this._clear();
      super.dispose();
    }
  }

  private get _place(): OutputPlace | undefined {
    return this._shown?.place?.();
  }

  /** What was shown stays until there is a new result. */
  private _runAs(checked: CheckedPayload, client = () => this._clientOf(checked)): void {
    this._saving.begin();
    this._repeat.begin(this._checked);
    try {
      this._follow(OutputRun.start(this._shown!, checked, client(), this._services));
    } catch (error) {
      this._state.say('error', sentence(error));
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
    this._handle.node.hidden = payload.result === undefined;
    if (card) {
      this._addControls();
    }
    if (payload.result === undefined) {
      this._introduce();
    } else {
      this._drawResult(this._checked!);
    }
    this._handle.node.after(this._state.node);
    this._sayState();
    if (!this._run) {
      this._repeat.check(this._checked!);
    }
    this._saving.check();
  }

  private _drawResult(checked: CheckedPayload): void {
    this._figures.show(checked, this._link.of(checked));
    this._link.show(checked, this._header);
    const { trans } = this._services;
    this._footer.replaceChildren(
      ...outputFooter({
        checked,
        trans,
        onRun: () => this.run(),
        ...(Object.keys(checked.analysis.spec).length && { onEdit: () => void this._edit() }),
        ...(readsText(checked) && { onTry: () => this._experiments.tryText(checked) }),
        comparisons: () => this._experiments.comparisons(checked, this._knownClient(checked)),
        ...(this._place?.openInTab && { onTab: () => this._place?.openInTab?.() }),
        say: (kind, words) => this._state.say(kind, words)
      })
    );
  }

  /** Below this output's own cell. */
  private _insert(payload: CheckedPayload['payload']): void {
    this._place?.activate();
    void this._services.insert(payload);
  }

  /** The result as far as it is there, in place of what was shown. */
  private _drawPartial(partial: CheckedPayload): void {
    if (this._partial !== partial) {
      this._partial = partial;
      this._figures.redraw(partial, this._link.of(partial));
    }
  }

  private _introduce(): void {
    const checked = this._checked!;
    const { trans } = this._services;
    this._body.replaceChildren(...outputIntroduction(checked, () => this._clientOf(checked), trans));
    const isCard = checked.analysis.id === CARD;
    const run = button(isCard ? trans.__('Open model') : trans.__('Run'), () => this.run(), 'accept');
    const edit = isCard ? [] : [button(trans.__('Edit…'), () => void this._edit())];
    this._footer.replaceChildren(element('div', { class: 'jp-orrery-toolbar' }, run, ...edit));
  }

  /** The earlier result stays until there is one of the new spec. */
  private async _edit(): Promise<void> {
    const checked = this._checked!;
    const { editOutput } = await import('./edit-output');
    const { notebook } = this._shown!;
    const place = { client: this._knownClient(checked), source: this._place?.source, notebook };
    const edited = await editOutput(checked, { ...place, services: this._services });
    if (edited && !this.isDisposed) {
      this._runAs(edited);
    }
  }

  /** Undefined where the model's place cannot be found. */
  private _knownClient({ payload }: CheckedPayload): ModelClient | undefined {
    return knownClient(payload, this._shown!.notebook, this._services);
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
      onFault: words => this._state.say('error', words)
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
    const running = state?.kind === 'running';
    this._footer.classList.toggle('jp-mod-running', running);
    this._state.show(this._run);
    if (running && state.partial) {
      this._drawPartial(state.partial);
    }
    if (state) {
      // Told before the run: that the model is not open is no longer so, and what ails the spec is said by now.
      this._body.querySelector('.jp-mod-before')?.remove();
    }
    this._skeleton.remove();
    if (running && !state.partial && this._checked?.payload.result === undefined) {
      this._body.append(this._skeleton);
    }
  }

  /** Content that cannot be read: why, and the words saved beside it. */
  private _refuse(message: string, fallback: string | undefined): void {
    this._checked = undefined;
    this._clear();
    this._handle.node.hidden = true;
    this._header.replaceChildren();
    this._footer.replaceChildren();
    this._header.after(this._state.node);
    this._state.say('error', message);
    if (fallback) {
      this._body.replaceChildren(element('pre', { class: 'jp-orrery-text' }, fallback));
    }
  }

  private _clear(): void {
    this._endControls();
    this._endControls = () => undefined;
    this._link.end();
    this._experiments.end();
    this._figures.clear();
  }

  private readonly _header = element('div', { class: 'jp-orrery-header' });
  private readonly _body = element('div', { class: 'jp-orrery-body' });
  private readonly _footer = element('div', { class: 'jp-orrery-footer' });
  private readonly _skeleton = outputSkeleton();
  private readonly _saving: SaveWatch;
  private readonly _repeat: RepeatWatch;
  private readonly _state: StateLine;
  private readonly _figures: FigureSet;
  private readonly _handle: HeightHandle;
  private readonly _experiments: Experiments;
  private readonly _link: OutputLink;
  private readonly _endTheme: () => void;
  private _endFollow: () => void = () => undefined;
  private _endControls: () => void = () => undefined;
  private _shown: OutputContent | undefined;
  private _checked: CheckedPayload | undefined;
  private _run: OutputRun | undefined;
  private _partial: CheckedPayload | undefined;
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
