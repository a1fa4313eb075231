/** What the invoker must know of a language family to start its runner. */
import { invokerFault } from './faults.ts';

export interface Language {
  /** The name that text code gets at /fn. */
  readonly codeFile: string;
  /** Arguments between the program and the runner, so that it stays below its memory limit. */
  memoryFlags(memoryMiB: number): readonly string[];
}

/** V8 must hit its own limit, with an error that names it, before the kernel's. */
const heapShare = 0.5;

const languages: Readonly<Record<string, Language>> = {
  nodejs: {
    codeFile: 'index.js',
    memoryFlags: (memoryMiB) => [`--max-old-space-size=${Math.floor(memoryMiB * heapShare)}`],
  },
  python: { codeFile: '__main__.py', memoryFlags: () => [] },
};

/** @throws Fault KIND_UNKNOWN */
export function languageOf(family: string): Language {
  const language = languages[family];
  if (!language) throw invokerFault('KIND_UNKNOWN', `there is no runner for '${family}'`);
  return language;
}
