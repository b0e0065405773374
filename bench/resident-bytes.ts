import { readFileSync } from 'node:fs';

/** Of this process now, and at its peak (Linux). */
export const residentBytes = (field: 'VmRSS' | 'VmHWM'): number => {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * Number(line?.[1]);
};
