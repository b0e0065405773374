import * as ort from 'onnxruntime-node';

import { ortRuntime } from './ort-runtime';
import { machineRoom } from './machine-room';
import type { Runtime } from './runtime';

/**
 * ONNX Runtime's native library, for the command line and the tests. One thread unless more are asked for, without spinning, so that numbers do
 * not depend on the machine's cores and a busy core does not stall a run. Its own messages are silenced: errors arrive as exceptions.
 */
export const createNodeRuntime = (threads = 1): Runtime => {
  ort.env.logLevel = 'fatal';
  return ortRuntime(ort, {
    name: 'node',
    version: `onnxruntime-node ${ort.env.versions.node}`,
    threads,
    room: machineRoom,
    maps: true,
    options: {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } }
    }
  });
};
