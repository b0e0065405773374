import type { ModelFacts } from '../subject/subject';
import type { Payload, Provenance } from './payload';

/** What a run adds to the model's facts. */
export interface RunFacts {
  /** Of this extension. */
  readonly version: string;
  readonly created: Date;
  readonly seconds: number;
}

export function makeProvenance(facts: ModelFacts, { version, created, seconds }: RunFacts): Provenance {
  return {
    modelHash: facts.hash,
    ...(facts.tokenizerHash === undefined ? {} : { tokenizerHash: facts.tokenizerHash }),
    dtypes: facts.dtypes,
    runtime: facts.runtime,
    threads: facts.threads,
    version,
    created: created.toISOString(),
    seconds: Number(seconds.toFixed(3))
  };
}

/** One line for captions: model, seed, precision, runtime, version, time. */
export function provenanceLine({ model, seed, provenance }: Payload): string {
  const name = model.path ?? 'a dropped file';
  if (!provenance) {
    return `${name} · seed ${seed}`;
  }
  const { modelHash, dtypes, runtime, threads, version, created, seconds } = provenance;
  return [
    `${name} @ ${modelHash.slice(0, 19)}…`,
    `seed ${seed}`,
    Object.keys(dtypes).join(', '),
    `${runtime}, ${threads} thread${threads === 1 ? '' : 's'}`,
    `orrery ${version}`,
    created,
    `${seconds} s`
  ].join(' · ');
}
