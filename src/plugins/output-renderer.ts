import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Panel } from '@lumino/widgets';

import type { AnalysisOutput } from '../ui/output/analysis-output';
import { outputPlace } from './output-place';
import type { IOrreryModels } from './tokens';

/**
 * The renderer of one output. Drawing never computes: a result is drawn as saved. A spec runs by itself only when the
 * notebook is trusted and the user's own execution in this page has just given it.
 */
export class OutputRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _options: IRenderMime.IRendererOptions,
    private readonly _models: IOrreryModels,
    private readonly _commands: JupyterFrontEnd['commands']
  ) {
    super();
    this.addClass('jp-orrery-renderer');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const [services, { AnalysisOutput }, { heightOf }] = await Promise.all([
      this._models.services(),
      import('../ui/output/analysis-output'),
      import('../ui/output/height-handle')
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
    const height = heightOf(model.metadata[mimeType]);
    this._output.display({
      mimeType,
      content: model.data[mimeType],
      notebook: notebookOf(this._options.resolver),
      output: {
        setData: ({ data, metadata }) => {
          const own = model.metadata[mimeType];
          const kept = own === undefined ? {} : { [mimeType]: own };
          model.setData({ data: data as ReadonlyPartialJSONObject, metadata: { ...metadata, ...kept } as never });
        }
      },
      key: model,
      place: () => outputPlace(this, this._commands),
      ...(height !== undefined && { height }),
      keepHeight: next => model.setData({ metadata: withHeight(model.metadata, mimeType, next) }),
      ...(typeof fallback === 'string' ? { fallback } : {})
    });
    if (model.trusted && this._output.waits && this._models.claim(model)) {
      this._output.run();
    }
  }

  private _output: AnalysisOutput | undefined;
}

/** An output's metadata with the height of its figures under our type; without, where they are shown whole. */
function withHeight(
  metadata: ReadonlyPartialJSONObject,
  mimeType: string,
  height: number | undefined
): ReadonlyPartialJSONObject {
  const { [mimeType]: own, ...others } = metadata;
  const { height: _, ...rest } = (own ?? {}) as ReadonlyPartialJSONObject;
  const next = { ...rest, ...(height !== undefined && { height }) };
  return Object.keys(next).length ? { ...others, [mimeType]: next } : others;
}

/** The path that JupyterLab's resolver of a notebook carries, though its interface does not say so. */
const notebookOf = (resolver: IRenderMime.IResolver | null): string => {
  const { path } = (resolver ?? {}) as { path?: unknown };
  return typeof path === 'string' ? path : '';
};
