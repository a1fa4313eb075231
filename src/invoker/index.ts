export { imageUnknown, invokerFaults, jobWithdrawn } from './faults.ts';
export { createInvoker, type InvokerOptions } from './invoker.ts';
export {
  type ActivationLog,
  isLongLog,
  type LongLog,
  lastLinesOf,
  linesOf,
  withLine,
} from './logs/activation-log.ts';
export { formatLine, packLines } from './logs/log-lines.ts';
export { defaultResultBytes, overLimitText } from './runner/outcomes.ts';
export { type CodePlaces, isProgram, openCodePlaces } from './slots/code-folders.ts';
export type { PrewarmTarget } from './slots/prewarm.ts';
export { boundAsk } from './slots/slot-policy.ts';
export type * from './types.ts';
