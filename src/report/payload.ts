/** Content of the MIME type `application/vnd.orrery.v1+json`; `payloadSchema` writes its JSON Schema. */
export const MIME_TYPE = 'application/vnd.orrery.v1+json';

export interface Payload {
  readonly analysis: string;
  readonly model: ModelReference;
  readonly seed: number;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly provenance?: Provenance;
}

/** `path` is POSIX, relative to the notebook or spec file; a dropped file has a hash alone. */
export interface ModelReference {
  readonly path?: string;
  readonly hash?: string;
}

export interface Provenance {
  readonly modelHash: string;
  readonly tokenizerHash?: string;
  readonly dtypes: Readonly<Record<string, number>>;
  readonly runtime: string;
  readonly threads: number;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly seconds: number;
}
