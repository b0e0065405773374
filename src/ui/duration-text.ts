import type { Translate } from './translate';

/** 7 s, 40 s, 3 min, 2 h: one digit is what an estimate has. */
export const durationText = (seconds: number, trans: Translate): string => {
  const [value, unit] = seconds < 60 ? [seconds, 's'] : seconds < 3600 ? [seconds / 60, 'min'] : [seconds / 3600, 'h'];
  return trans.__('%1 %2', value < 10 ? Math.ceil(value) : Math.ceil(value / 10) * 10, unit);
};
