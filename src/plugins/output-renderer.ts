import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import type { AnalysisOutput } from '../ui/analysis-output';
import { cellSource } from './cell-source';
import type { IOrreryModels } from './tokens';

/**
 * The renderer of one output. Drawing never computes: a result is drawn as saved. A spec runs by itself only when the
 * notebook is trusted and the user's own execution in this page has just given it.
 */
export class OutputRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _options: IRenderMime.IRendererOptions,
    private readonly _models: IOrreryModels
  ) {
    super();
    this.addClass('jp-orrery-renderer');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const [services, { AnalysisOutput }] = await Promise.all([
      this._models.services(),
      import('../ui/analysis-output')
    ]);
    if (this.isDisposed) {
      return;
    }
    if (!this._output) {
      this._output = new AnalysisOutput(services);
      this.addWidget(this._output);
    }
    const fallback = model.data['text/plain'];
    const { mimeType } = this._options;
    this._output.display({
      mimeType,
      content: model.data[mimeType],
      notebook: notebookOf(this._options.resolver),
      output: { setData: options => model.setData(options as IRenderMime.IMimeModel.ISetDataOptions) },
      key: model,
      source: () => cellSource(this),
      ...(typeof fallback === 'string' ? { fallback } : {})
    });
    if (model.trusted && this._output.waits && this._models.claim(model)) {
      this._output.run();
    }
  }

  private _output: AnalysisOutput | undefined;
}

/** The path that JupyterLab's resolver of a notebook carries, though its interface does not say so. */
const notebookOf = (resolver: IRenderMime.IResolver | null): string => {
  const { path } = (resolver ?? {}) as { path?: unknown };
  return typeof path === 'string' ? path : '';
};
