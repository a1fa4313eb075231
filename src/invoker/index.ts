export { invokerFaults } from './faults.ts';
export { createInvoker, type InvokerOptions } from './invoker.ts';
export { type CodePlaces, openCodePlaces } from './slots/code-folders.ts';
export type { PrewarmTarget } from './slots/prewarm.ts';
export type * from './types.ts';
