import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { listAnalyses } from '../report/list-analyses';
import { element } from './element';

/** What the dialog asks for, still to be validated. */
export interface AskedAnalysis {
  readonly analysis: string;
  readonly model: { readonly path: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Analysis, model, text; undefined when cancelled. */
export async function askAnalysis(trans: TranslationBundle): Promise<AskedAnalysis | undefined> {
  const body = new AskBody(trans);
  const { value, button } = await showDialog({
    title: trans.__('Insert an analysis'),
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Insert and run') })]
  });
  return button.accept && value ? value : undefined;
}

class AskBody extends Widget implements Dialog.IBodyWidget<AskedAnalysis> {
  constructor(trans: TranslationBundle) {
    super();
    this.addClass('jp-orrery-ask');
    const options = listAnalyses().map(({ id, title, description }) =>
      element('option', { value: id }, `${title}: ${description}`)
    );
    this._analysis.append(...options);
    const field = (label: string, input: HTMLElement): HTMLElement => element('label', {}, label, input);
    this._path.placeholder = trans.__('models/gpt2');
    this._textField = field(trans.__('Text'), this._text);
    this.node.append(
      field(trans.__('Analysis'), this._analysis),
      field(trans.__('Model: a folder or an .onnx file, relative to the notebook'), this._path),
      this._textField
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
    return listAnalyses().some(({ id, fields }) => id === this._analysis.value && fields.includes('text'));
  }

  private _refresh(): void {
    this._textField.hidden = !this._takesText;
  }

  private readonly _analysis = element('select', { class: 'jp-mod-styled' });
  private readonly _path = element('input', { class: 'jp-mod-styled', type: 'text' });
  private readonly _text = element('textarea', { class: 'jp-mod-styled', rows: 3 });
  private readonly _textField: HTMLElement;
}
