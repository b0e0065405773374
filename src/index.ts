import { commands } from './plugins/commands';
import { launcher } from './plugins/launcher';
import { modelDocuments } from './plugins/model-documents';
import { modelPanel } from './plugins/model-panel';
import { models } from './plugins/models';
import { openModel } from './plugins/open-model';
import { renderer } from './plugins/renderer';

/** The plugins of the extension. */
export default [models, renderer, modelDocuments, modelPanel, openModel, commands, launcher];
