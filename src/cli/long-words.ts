import type { Cost } from '../subject/subject';

/** Seconds from which a run is worth announcing. */
const LONG = 30;

/** What a long run will take, said before it begins; undefined for a short one. */
export const longWords = ({ forwards, work = forwards, seconds = 0 }: Cost): string | undefined => {
  if (seconds < LONG) {
    return undefined;
  }
  const units = [
    [86400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
    [1, 'seconds']
  ] as const;
  const [unit, name] = units.find(([size]) => seconds >= 2 * size)!;
  return `this will take about ${Math.round(seconds / unit)} ${name}: the work of ${Math.max(1, Math.ceil(work))} forwards`;
};
