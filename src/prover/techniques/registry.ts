/** Every technique of the suite, in the order in which results are told. */
import type { Technique } from '../types.ts';
import { starvation } from './starvation.ts';

export const techniques: readonly Technique[] = [...starvation];
