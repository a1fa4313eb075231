/** The registry of runtime drivers. */
import type { RuntimeName } from '../types.ts';
import { crun } from './crun.ts';
import { runc } from './runc.ts';
import { runsc } from './runsc.ts';
import type { RuntimeDriver } from './types.ts';

export const runtimeDrivers: Readonly<Record<RuntimeName, RuntimeDriver>> = { crun, runc, runsc };

/** In order of preference. */
export const runtimeNames: readonly RuntimeName[] = ['crun', 'runc', 'runsc'];
