import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';

import type { LocalFiles } from '../ui/local-files';
import type { ManagedModel } from '../worker/model-manager';
import { modelIcon } from './model-icon';
import { CommandIDs, IOrreryModels } from './tokens';

const ID = 'jupyterlab-orrery:models';

/** The left area's list of open models; its code is loaded when it is first looked at. */
class ModelPanelShell extends Panel {
  constructor(private readonly _fill: (shell: Panel) => Promise<void>) {
    super();
    this.id = ID;
    this.addClass('jp-orrery-models-shell');
  }

  protected onAfterShow(): void {
    this._begin();
  }

  protected onAfterAttach(): void {
    this._begin();
  }

  private _begin(): void {
    if (this.isVisible && !this._begun) {
      this._begun = true;
      void this._fill(this);
    }
  }

  private _begun = false;
}

/** Lists the models that are open in this page, and recent ones. */
export const modelPanel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-orrery:model-panel',
  description: 'Lists open ONNX models with their memory, closes them, and offers recent ones.',
  autoStart: true,
  requires: [IOrreryModels],
  optional: [ILabShell, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    models: IOrreryModels,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    // Notebook 7 shows one document a page, with no area for it.
    if (!shell) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('jupyterlab_orrery');
    const panel = new ModelPanelShell(async at => {
      const [services, { ModelPanel }, { modelFileOf }] = await Promise.all([
        models.services(),
        import('../ui/model-panel'),
        import('./model-file-of')
      ]);
      const onLocal = async (files: Promise<LocalFiles>): Promise<void> => {
        const { openLocalModel } = await import('./local-model');
        await openLocalModel(app, models, files);
      };
      const onShowLocal = async (model: ManagedModel): Promise<void> => {
        const { showLocalModel } = await import('./local-model');
        await showLocalModel(app, models, model);
      };
      const show = async (model: string): Promise<void> => {
        const path = await modelFileOf(app.serviceManager.contents, model);
        await app.commands.execute('docmanager:open', { path });
      };
      const onOpen = async (): Promise<void> => {
        const path = await services.choose('');
        if (path !== undefined) {
          await show(path);
        }
      };
      at.addWidget(
        new ModelPanel({
          services,
          onShow: path => void show(path),
          onOpen: () => void onOpen(),
          onOpenLocal: () => void app.commands.execute(CommandIDs.openLocalModel),
          onLocal: files => void onLocal(files),
          onShowLocal: model => void onShowLocal(model)
        })
      );
    });
    panel.title.icon = modelIcon;
    panel.title.caption = trans.__('ONNX Models');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('ONNX Models'));
    shell.add(panel, 'left', { rank: 750 });
    restorer?.add(panel, ID);
  }
};
