/** What the invoker must know about a language family to place its code and to start its runner. */

import { invokerFault } from '../faults.ts';
import type { CodeFile } from './code-folders.ts';

export interface Language {
  /** Name of code that is one file, in /fn. */
  readonly codeFile: CodeFile;
  /** The language or its libraries compile at run time, so memory must be writable and then executable. */
  readonly makesCode: boolean;
  /** Arguments between the program and the runner that keep it below its memory limit. */
  memoryFlags(memoryMiB: number): readonly string[];
}

/** V8 and the JVM must reach their own limit, which gives a clear error, before the kernel's. */
const heapShare = 0.5;
/** PHP uses little besides its heap. */
const phpHeapShare = 0.75;

const program = { codeFile: { name: 'exec', form: 'program' }, memoryFlags: () => [] } as const;

const languages: Readonly<Record<string, Language>> = {
  go: { ...program, makesCode: false },
  java: {
    codeFile: { name: 'action.jar', form: 'archive' },
    makesCode: true,
    memoryFlags: (memoryMiB) => [`-Xmx${Math.floor(memoryMiB * heapShare)}m`],
  },
  // Programs in any language.
  native: { ...program, makesCode: true },
  nodejs: {
    codeFile: { name: 'index.js', form: 'source' },
    makesCode: true,
    memoryFlags: (memoryMiB) => [`--max-old-space-size=${Math.floor(memoryMiB * heapShare)}`],
  },
  php: {
    codeFile: { name: 'index.php', form: 'source' },
    makesCode: true,
    memoryFlags: (memoryMiB) => ['-d', `memory_limit=${Math.floor(memoryMiB * phpHeapShare)}M`],
  },
  python: { codeFile: { name: '__main__.py', form: 'source' }, makesCode: false, memoryFlags: () => [] },
  ruby: { codeFile: { name: 'main.rb', form: 'source' }, makesCode: true, memoryFlags: () => [] },
};

/** @throws Fault KIND_UNKNOWN */
export function languageOf(family: string): Language {
  const language = languages[family];
  if (!language) throw invokerFault('KIND_UNKNOWN', `no runner for '${family}'`);
  return language;
}
