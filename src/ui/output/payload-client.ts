import type { Payload } from '../../report/payload';
import type { ModelClient } from '../../worker/client';
import type { OutputServices } from '../services';

/** The client of the model that an output of `notebook` names; throws a sentence where its place cannot be found. */
export function payloadClient({ model }: Payload, notebook: string, { manager, locate }: OutputServices): ModelClient {
  const { path, hash } = model;
  if (path === undefined) {
    const dropped = manager.list().find(({ client }) => client.opened?.facts.hash === hash);
    if (!dropped) {
      throw new Error(
        `model not open: the output names ${hash ?? 'no file'}; drop that file on the panel of models and run again`
      );
    }
    return dropped.client;
  }
  const place = locate(path, notebook);
  return manager.get(place.key, place.source);
}

/** The same; undefined where its place cannot be found. */
export function knownClient(...of: Parameters<typeof payloadClient>): ModelClient | undefined {
  try {
    return payloadClient(...of);
  } catch {
    return undefined;
  }
}
