import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ABCWidgetFactory, DocumentWidget } from '@jupyterlab/docregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';

import { modelTitle } from '../ui/model-title';
import type { ModelPlace } from '../ui/services';
import { ModelFileFactory } from './model-file';
import { modelIcon } from './model-icon';
import { CommandIDs, IOrreryModels } from './tokens';

const FACTORY = 'ONNX Model';
const FILE_TYPE = 'onnx';

type Make = (content: Panel, path: string) => Promise<void>;

class ModelDocumentFactory extends ABCWidgetFactory<DocumentWidget<Panel>> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<DocumentWidget<Panel>>,
    private readonly _make: Make
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.Context): DocumentWidget<Panel> {
    const content = new Panel();
    content.addClass('jp-orrery-document-panel');
    content.title.icon = modelIcon;
    void this._make(content, context.path);
    return named(new DocumentWidget({ content, context }));
  }
}

/** Its tab is called after the model's folder. The host takes a new title for a wish to rename the file: that is ended. */
function named(widget: DocumentWidget<Panel>): DocumentWidget<Panel> {
  const { title, context } = widget;
  title.changed.disconnect(widget['_onTitleChanged'], widget);
  const name = (): void => {
    title.label = modelTitle(context.localPath);
  };
  context.pathChanged.connect(name);
  name();
  return widget;
}

/** Opens .onnx files of the file browser as documents. */
export const modelDocuments: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-orrery:model-documents',
  description: 'Shows ONNX models as documents: anatomy, certificate, weights, tokenizer.',
  autoStart: true,
  requires: [IOrreryModels],
  optional: [ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    models: IOrreryModels,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyterlab_orrery');
    const { docRegistry, commands } = app;
    docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: trans.__('ONNX Model'),
      extensions: ['.onnx'],
      mimeTypes: ['application/octet-stream'],
      contentType: 'file',
      fileFormat: 'base64',
      icon: modelIcon
    });
    const modelFiles = new ModelFileFactory();
    docRegistry.addModelFactory(modelFiles);
    const make: Make = async (content, path) => {
      const [services, { ModelDocument }] = await Promise.all([
        models.services(),
        import('../ui/document/model-document')
      ]);
      if (!content.isDisposed) {
        const onAnalyse: ConstructorParameters<typeof ModelDocument>[0]['onAnalyse'] = part =>
          void commands.execute(CommandIDs.analyseModel, { path, ...chosen(part) });
        const locate = (): ModelPlace => services.locate(path, '');
        content.addWidget(new ModelDocument({ title: modelTitle(path), where: path, locate, services, onAnalyse }));
      }
    };
    const factory = new ModelDocumentFactory(
      {
        name: FACTORY,
        label: trans.__('ONNX Model'),
        modelName: modelFiles.name,
        fileTypes: [FILE_TYPE],
        defaultFor: [FILE_TYPE],
        readOnly: true,
        ...(translator ? { translator } : {})
      },
      make
    );
    docRegistry.addWidgetFactory(factory);
    const tracker = new WidgetTracker<DocumentWidget<Panel>>({ namespace: 'orrery-models' });
    factory.widgetCreated.connect((_, widget) => void tracker.add(widget));
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: ({ context }) => ({ path: context.path, factory: FACTORY }),
      name: ({ context }) => context.path
    });
  }
};

const chosen = (part: { layer?: number; head?: number } | undefined): { layer?: number; head?: number } => ({
  ...(part?.layer !== undefined && { layer: part.layer }),
  ...(part?.head !== undefined && { head: part.head })
});
