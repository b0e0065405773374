import { freemem } from 'node:os';

import type { Room } from './runtime';

/** Of the machine, or of the container that the process is limited to. */
export const machineRoom = (): Room => {
  const limit = process.constrainedMemory?.() || Infinity;
  return { bytes: Math.min(freemem(), Math.max(0, limit - process.memoryUsage.rss())), of: "of the machine's memory" };
};
