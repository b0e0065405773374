import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { OutputRenderer } from './output-renderer';
import { IOrreryModels } from './tokens';

/** Our type, and the majors that may follow: an output of a newer extension is refused in words, not shown as nothing. */
const MAJORS = [1, 2, 3, 4, 5];

/** Draws outputs of our MIME type, before every other representation beside them. */
export const renderer: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-orrery:renderer',
  description: 'Draws analyses of ONNX models in notebook outputs.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IOrreryModels],
  activate: (app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, models: IOrreryModels) => {
    const factory: IRenderMime.IRendererFactory = {
      safe: true,
      mimeTypes: MAJORS.map(major => `application/vnd.orrery.v${major}+json`),
      createRenderer: options => new OutputRenderer(options, models, app.commands)
    };
    rendermime.addFactory(factory, 0);
  }
};
