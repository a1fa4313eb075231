/** What the importing thread says. Both ends are Ward's own: nothing is checked. */
import type { AdvisoryProgress, ImportResult } from '../types.ts';

export type Message =
  | { readonly type: 'progress'; readonly progress: AdvisoryProgress }
  | { readonly type: 'done'; readonly result: ImportResult }
  | {
      readonly type: 'fault';
      /** Of the input that is to blame. */
      readonly source: string | undefined;
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };
