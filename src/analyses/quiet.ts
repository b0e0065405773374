import type { Context } from '../subject/context';

/** For the steps inside a larger count: they can be cancelled, their own progress is not shown. */
export const quiet = ({ signal }: Context): Context => ({ signal, progress: () => undefined });
