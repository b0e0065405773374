/** What long work gets from its caller. */
export interface Context {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** 'forward 3 of 10', shown as it is. */
  readonly label: string;
}
