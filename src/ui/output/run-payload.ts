import { makeBundle } from '../../report/bundle';
import { namedModels } from '../../report/named-models';
import { makeProvenance } from '../../report/provenance';
import type { CheckedPayload } from '../../report/validate-payload';
import { validatePayload } from '../../report/validate-payload';
import type { ModelFacts } from '../../subject/subject';
import type { ModelClient, RunOptions } from '../../worker/client';
import type { NamedSource } from '../../worker/protocol';
import { picture } from '../figures/picture';
import type { OutputServices } from '../services';

export interface Made {
  readonly result: unknown;
  readonly facts: ModelFacts;
  readonly seconds: number;
}

/** What a run gave, with what it rests on. */
export function madePayload({ payload }: CheckedPayload, made: Made, version: string): CheckedPayload {
  const { result, facts, seconds } = made;
  const provenance = makeProvenance(facts, { version, created: new Date(), seconds });
  const { path, hash } = payload.model;
  const model = path === undefined && hash === undefined ? { hash: facts.hash } : payload.model;
  return validatePayload({ ...payload, model, result, provenance });
}

/** Data and metadata of an output that holds a result, with its pictures. */
export async function madeBundle(
  done: CheckedPayload,
  services: OutputServices
): Promise<{ data: Record<string, unknown>; metadata: Record<string, unknown> }> {
  const pictures = [];
  for (const figure of done.analysis.figures(done.payload.result, done.spec)) {
    pictures.push(await picture(figure));
  }
  const { data, metadata } = makeBundle(done, { pictures, budget: services.budget() });
  return { data: { ...data }, metadata: { ...metadata } };
}

/** How the files that a spec names are found: of other models, and the one that is looked at. */
export function filesOf(
  { spec }: CheckedPayload,
  notebook: string,
  services: OutputServices
): Pick<RunOptions, 'others' | 'seen'> {
  const paths = namedModels(spec);
  const find = async (path: string): Promise<NamedSource> => ({
    path,
    source: await services.locate(path, notebook).source()
  });
  const { image, tensors } = spec as Readonly<Record<'image' | 'tensors', unknown>>;
  const seen = image ?? tensors;
  return {
    ...(paths.length > 0 && { others: () => Promise.all(paths.map(find)) }),
    ...(typeof seen === 'string' && { seen: () => services.file(seen, notebook) })
  };
}

/** Opens the model if it is not, and runs; nothing is written anywhere. Throws a sentence. */
export async function runPayload(
  checked: CheckedPayload,
  { client, notebook }: { readonly client: ModelClient; readonly notebook: string },
  services: OutputServices,
  options: RunOptions
): Promise<CheckedPayload> {
  const { analysis, payload } = checked;
  const { facts } = await client.open(options);
  const asked = { ...options, ...filesOf(checked, notebook, services) };
  const { result, seconds } = await client.run(analysis.id, payload.spec, payload.seed, asked);
  return madePayload(checked, { result, facts, seconds }, services.version);
}
