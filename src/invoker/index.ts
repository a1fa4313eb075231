export {
  type ActivationLog,
  isLongLog,
  type LongLog,
  lastLinesOf,
  linesOf,
  withLine,
} from './activation-log.ts';
export { type CodePlaces, isProgram, openCodePlaces } from './code-folders.ts';
export { imageUnknown, invokerFaults, jobWithdrawn } from './faults.ts';
export { createInvoker, type InvokerOptions } from './invoker.ts';
export { formatLine, packLines } from './log-lines.ts';
export { defaultResultBytes, overLimitText } from './outcomes.ts';
export type { PrewarmTarget } from './prewarm.ts';
export { boundAsk } from './slot-policy.ts';
export type * from './types.ts';
