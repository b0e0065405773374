/** One identity that defines a part, checked by running it on a short probe. */
export interface Identity {
  /** Stable id, `pattern-rows-sum-to-one`. */
  readonly name: string;
  /** Largest deviation, relative to the largest value of the side that comes from the file; infinite where that side is no number. */
  readonly error: number;
  /** For the types of what it read there. */
  readonly tolerance: number;
  readonly holds: boolean;
  /** Where the deviation is largest for its tolerance: 'blocks.1'. */
  readonly at?: string;
  /** Every place where it does not hold. */
  readonly fails?: readonly string[];
  /** Why it could not be run, at the first place where it could not. */
  readonly why?: string;
  /** What it found place by place; statuses of hooks follow from these. */
  readonly places?: readonly Place[];
}

/** One identity in one place: measured, or the reason why not. */
export interface Place {
  /** 'blocks.1', 'model', a tower's prefix, a hook, an output. */
  readonly at: string;
  /** Hooks that it read, by their names in full; absent where it speaks of every hook. */
  readonly hooks?: readonly string[];
  readonly error?: number;
  readonly tolerance?: number;
  /** What else is wrong than numbers that differ: "'hook_embed' has NaN". */
  readonly because?: string;
  /** Why it could not be measured. */
  readonly why?: string;
}

export interface Certificate {
  readonly level: 'quick' | 'full';
  readonly identities: readonly Identity[];
  /** Token ids of the probe, [batch][pos]; those of the first tower. */
  readonly probe: readonly (readonly number[])[];
  /** Of the other sequences, by the inputs that hold them, where the graph reads more than one. */
  readonly others?: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly forwards: number;
}
