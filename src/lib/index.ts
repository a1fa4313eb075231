export * from './command.ts';
export * from './fault.ts';
export * from './file-lock.ts';
export * from './ids.ts';
export * from './json.ts';
export * from './log.ts';
export * from './name-pattern.ts';
export * from './size.ts';
