import { Token } from '@lumino/coreutils';

import type { OutputServices } from '../ui/services';

/** What outputs share in this page: the models, and how they are found. */
export interface IOrreryModels {
  /** Made on first use, with the code behind it. */
  services(): Promise<OutputServices>;
  /** Marks an output as asked for by the user in this page: it may run by itself, once. */
  mean(output: object): void;
  /** Whether the output was marked; takes the mark away. */
  claim(output: object): boolean;
}

export const IOrreryModels = new Token<IOrreryModels>(
  'jupyterlab-orrery:IOrreryModels',
  'The models that are open in this page, one worker each, and how analyses reach them.'
);

export const CommandIDs = {
  insertAnalysis: 'jupyterlab-orrery:insert-analysis',
  openModel: 'jupyterlab-orrery:open-model',
  openLocalModel: 'jupyterlab-orrery:open-local-model',
  analyseModel: 'jupyterlab-orrery:analyse-model',
  closeModels: 'jupyterlab-orrery:close-models'
} as const;
