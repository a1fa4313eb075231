/** The process that fills the compile cache for scan processes: it loads the same code, but reads no untrusted files. */
import { flushCompileCache } from 'node:module';
import { inspectorsFor } from '../all-inspectors.ts';
import { analysersWith, revisionOf } from './worker.ts';

revisionOf(analysersWith(inspectorsFor({}).files));
flushCompileCache();
