type Drop = () => Promise<void>;

/** Sweepers on one model, of which the one used last keeps its pieces: each set of them holds the weights once more. */
export interface PieceHolder {
  /** Lets the others' pieces go, each as soon as it is not at work. `drop` tells the sweepers apart. */
  use<T>(drop: Drop, work: () => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

export const createPieceHolder = (): PieceHolder => {
  const working = new Map<Drop, number>();
  let latest: Drop | undefined;
  const done = async (drop: Drop): Promise<void> => {
    const left = working.get(drop)! - 1;
    if (left > 0) {
      working.set(drop, left);
      return;
    }
    working.delete(drop);
    if (drop !== latest) {
      await drop();
    }
  };
  return {
    use: async (drop, work) => {
      const before = latest;
      latest = drop;
      working.set(drop, (working.get(drop) ?? 0) + 1);
      try {
        if (before !== undefined && before !== drop && !working.has(before)) {
          await before();
        }
        return await work();
      } finally {
        await done(drop);
      }
    },
    release: async () => latest?.()
  };
};
