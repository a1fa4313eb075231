/**
 * What the API answers besides what OpenWhisk has: the server checks that it writes this, and the console reads it. An answer can
 * have more than the console knows. What is undefined is left out of it.
 */
export type * from './admin.ts';
export type * from './domains.ts';
export type * from './egress.ts';
export type * from './events.ts';
export type * from './functions.ts';
export type * from './gate.ts';
export type * from './isolation.ts';
export type * from './runs.ts';
export type * from './session.ts';
