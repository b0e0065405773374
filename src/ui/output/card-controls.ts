import type { ModelReference } from '../../report/payload';
import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { ModelClient } from '../../worker/client';
import type { ModelControls } from '../model-controls';
import type { LocalFiles } from '../local-files';
import { modelControls } from '../model-controls';
import { localPlace } from '../model-source';
import type { OutputServices } from '../services';

export interface CardControlOptions {
  readonly checked: CheckedPayload;
  readonly client: ModelClient | undefined;
  readonly notebook: string;
  readonly services: OutputServices;
  /** The same analysis on another model; `client` is absent where the payload's path says which. */
  readonly onRun: (checked: CheckedPayload, client?: ModelClient) => void;
  readonly onFault: (words: string) => void;
}

/** The controls of a model's card: close the model, take another of the server, or files of the user's own. */
export function cardControls({
  checked,
  client,
  notebook,
  services,
  onRun,
  onFault
}: CardControlOptions): ModelControls {
  const { manager } = services;
  const runOn = (model: ModelReference, other?: () => ModelClient): void => {
    const { analysis, seed, spec } = checked.payload;
    try {
      onRun(validatePayload({ analysis, model, seed, spec }), other?.());
    } catch (error) {
      onFault(error instanceof Error ? error.message : String(error));
    }
  };
  const choose = async (): Promise<void> => {
    const path = await services.choose(notebook);
    if (path !== undefined) {
      runOn({ path });
    }
  };
  /** Opened in this page, named by their hash in the output. */
  const take = async (dropped: Promise<LocalFiles>): Promise<void> => {
    try {
      const { key, source, label } = localPlace(await dropped);
      runOn({}, () => manager.get(key, source, label));
    } catch (error) {
      onFault(error instanceof Error ? error.message : String(error));
    }
  };
  return modelControls({
    client,
    services,
    onClose: () =>
      manager
        .list()
        .filter(model => model.client === client)
        .forEach(({ key }) => manager.close(key)),
    onChoose: () => void choose(),
    onDrop: files => void take(files)
  });
}
