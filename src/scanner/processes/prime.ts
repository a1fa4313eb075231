/** The process that fills the compile cache for those that read: it loads what they load, and reads nothing of a stranger's. */
import { flushCompileCache } from 'node:module';
import { inspectorsFor } from '../all-inspectors.ts';
import { analysersWith, revisionOf } from './worker.ts';

revisionOf(analysersWith(inspectorsFor({}).files));
flushCompileCache();
