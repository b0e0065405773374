/** One identity that defines a part, checked by running it on a short probe. */
export interface Identity {
  /** Stable id, `pattern-rows-sum-to-one`. */
  readonly name: string;
  /** Largest deviation, relative to the largest value of the side that comes from the file. */
  readonly error: number;
  readonly tolerance: number;
  readonly holds: boolean;
  /** Where the largest deviation is: 'blocks.1'. */
  readonly at?: string;
  /** Every place where it does not hold. */
  readonly fails?: readonly string[];
  /** Why it could not be run. */
  readonly why?: string;
}

export interface Certificate {
  readonly level: 'quick' | 'full';
  readonly identities: readonly Identity[];
  /** Token ids of the probe, [batch][pos]. */
  readonly probe: readonly (readonly number[])[];
  readonly forwards: number;
}
