/** Messages of the import thread. Both ends are Ward's own, so nothing is validated. */
import type { AdvisoryProgress, ImportResult } from '../types.ts';

export type Message =
  | { readonly type: 'progress'; readonly progress: AdvisoryProgress }
  | { readonly type: 'done'; readonly result: ImportResult }
  | {
      readonly type: 'fault';
      /** Source of the input that failed. */
      readonly source: string | undefined;
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };
