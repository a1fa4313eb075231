/** The import thread. An import takes up to minutes of processor time, which would block the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { isFault, messageOf } from '../../../lib/index.ts';
import type { AdvisoryProgress } from '../types.ts';
import { InputFailure } from './input-failure.ts';
import type { Message } from './protocol.ts';
import { type ImportJob, runImport } from './run.ts';

const job: ImportJob = workerData;
const port = parentPort;
if (port === null) throw new Error('this module runs as a worker thread only');

const progressEveryMs = 100;
let told = { at: 0, source: '', stage: '' };

function report(progress: AdvisoryProgress): void {
  const at = Date.now();
  const { source, stage } = progress;
  if (source === told.source && stage === told.stage && at - told.at < progressEveryMs) return;
  told = { at, source, stage };
  say({ type: 'progress', progress });
}

function say(message: Message): void {
  port?.postMessage(message);
}

try {
  say({ type: 'done', result: await runImport(job, report) });
} catch (error) {
  const source = error instanceof InputFailure ? error.source : undefined;
  const reason = error instanceof InputFailure ? error.fault : error;
  const { code, hint } = isFault(reason) ? reason : { code: '', hint: undefined };
  say({ type: 'fault', source, code, message: messageOf(reason), hint });
}
