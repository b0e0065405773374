import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { AnalysisEntry } from '../report/list-analyses';
import { listAnalyses } from '../report/list-analyses';
import { element } from './element';

/** What the dialog asks for, still to be validated. */
export interface AskedAnalysis {
  readonly analysis: string;
  readonly model: { readonly path: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Analysis, model (the first of `paths` unless changed), text; undefined when cancelled. */
export async function askAnalysis(
  trans: TranslationBundle,
  paths: readonly string[]
): Promise<AskedAnalysis | undefined> {
  const body = new AskBody(trans, paths);
  const { value, button } = await showDialog({
    title: trans.__('Insert an analysis'),
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Insert and run') })]
  });
  return button.accept && value ? value : undefined;
}

const DATALIST = 'jp-orrery-known-models';

class AskBody extends Widget implements Dialog.IBodyWidget<AskedAnalysis> {
  constructor(trans: TranslationBundle, paths: readonly string[]) {
    super();
    this.addClass('jp-orrery-ask');
    const options = listAnalyses().map(({ id, title }) => element('option', { value: id }, title));
    this._analysis.append(...options);
    const field = (label: string, input: HTMLElement): HTMLElement => element('label', {}, label, input);
    this._path.placeholder = trans.__('models/gpt2');
    this._path.value = paths[0] ?? '';
    const known = element('datalist', { id: DATALIST }, ...paths.map(path => element('option', { value: path })));
    this._path.setAttribute('list', DATALIST);
    this._textField = field(trans.__('Text'), this._text);
    this.node.append(
      field(trans.__('Analysis'), this._analysis),
      this._description,
      field(trans.__('Model: a folder or an .onnx file, relative to the notebook'), this._path),
      this._textField,
      known
    );
    this._analysis.addEventListener('change', () => this._refresh());
    this._refresh();
  }

  getValue(): AskedAnalysis {
    const text = this._text.value;
    const spec = this._takesText && text ? { text } : {};
    return { analysis: this._analysis.value, model: { path: this._path.value.trim() }, spec };
  }

  private get _takesText(): boolean {
    return !!this._chosen?.fields.includes('text');
  }

  private get _chosen(): AnalysisEntry | undefined {
    return listAnalyses().find(({ id }) => id === this._analysis.value);
  }

  private _refresh(): void {
    this._textField.hidden = !this._takesText;
    this._description.textContent = this._chosen?.description ?? '';
  }

  private readonly _analysis = element('select', { class: 'jp-mod-styled' });
  private readonly _description = element('p', { class: 'jp-orrery-ask-description', 'aria-live': 'polite' });
  private readonly _path = element('input', { class: 'jp-mod-styled', type: 'text' });
  private readonly _text = element('textarea', { class: 'jp-mod-styled', rows: 3 });
  private readonly _textField: HTMLElement;
}
