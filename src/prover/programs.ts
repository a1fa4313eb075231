/**
 * The Python programs of the suite. Each is a file below `programs/`, in the folder of its vector. Common code is in
 * `programs/parts/`: it comes before each program whose first line is `# Begins with parts/NAME.py.`
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramTechnique, TechniqueHead } from './types.ts';

export const programsFolder = join(import.meta.dirname, 'programs');

/** `escape/bpf-map`: the technique's name, unless it shares a program with others. */
export function programFileOf({
  vector,
  name,
  program = name,
}: Pick<TechniqueHead, 'vector' | 'name'> & Pick<ProgramTechnique, 'program'>): string {
  return `${vector}/${program}`;
}

/** Reads a file below `programs/`; its name is given without `.py`. */
export function programText(file: string): string {
  const text = read(file);
  const part = /^# Begins with (parts\/[\w-]+)\.py\.\n/.exec(text)?.[1];
  return part === undefined ? text : read(part) + text;
}

const texts = new Map<string, string>();

/** Cached: a run of the suite needs the same few files hundreds of times. */
function read(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(join(programsFolder, `${file}.py`), 'utf8');
  texts.set(file, text);
  return text;
}
