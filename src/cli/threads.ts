import { UsageError } from './usage-error';

/** Option of the commands that run a model. */
export const THREADS = {
  threads: { type: 'string', default: '1', value: 'N', about: 'threads of ONNX Runtime (1)' }
} as const;

const MOST = 256;

export const threadsOf = ({ threads }: { readonly threads: string }): number => {
  const count = /^\d{1,3}$/.test(threads) ? Number(threads) : 0;
  if (count < 1 || count > MOST) {
    throw new UsageError(`--threads is '${threads}', wanted 1 to ${MOST}`);
  }
  return count;
};
