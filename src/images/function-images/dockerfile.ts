/**
 * Finds every image that a Dockerfile names, and replaces it by one that was chosen before the build, so that a name
 * can't refer to another image by then. Interprets and changes nothing else. If it misses a name, the build fails,
 * because it can't fetch images. Source: Docker, "Dockerfile reference".
 */
import { imageFault } from '../faults.ts';
import { type Instruction, readInstructions, type Word } from './dockerfile-instructions.ts';

export interface NamedImage {
  readonly name: string;
  /** Its position in the text. */
  readonly start: number;
  readonly end: number;
}

export interface Dockerfile {
  readonly text: string;
  /** In the order of the text. */
  readonly images: readonly NamedImage[];
  /** The base of the last stage. */
  readonly finalBase: string;
}

const maxTextLength = 1024 * 1024;
const maxStages = 100;

interface Stages {
  /** Maps the name of a stage, in lower case, to the image at its bottom. */
  readonly bases: Map<string, string>;
  readonly images: NamedImage[];
  count: number;
  last: string | undefined;
}

/** @throws Fault DOCKERFILE_INVALID */
export function readDockerfile(text: string): Dockerfile {
  if (text.length > maxTextLength) throw invalid(`it is longer than ${maxTextLength} characters`);
  const stages: Stages = { bases: new Map(), images: [], count: 0, last: undefined };
  for (const instruction of readInstructions(text)) {
    if (instruction.name === 'FROM') readFrom(instruction, stages);
    else if (instruction.name === 'COPY' || instruction.name === 'ADD') readCopy(instruction, stages);
    else if (instruction.name === 'RUN') checkMounts(instruction, stages);
  }
  if (stages.last === undefined) throw invalid('it has no FROM');
  return { text, images: stages.images, finalBase: stages.last };
}

/** Returns the text with each image's name replaced. */
export function withImages({ text, images }: Dockerfile, replace: (name: string) => string): string {
  let result = '';
  let at = 0;
  for (const { name, start, end } of images) {
    result += text.slice(at, start) + replace(name);
    at = end;
  }
  return result + text.slice(at);
}

function readFrom({ line, words }: Instruction, stages: Stages): void {
  const [image, as, alias] = words.filter((word) => !word.text.startsWith('--'));
  if (image === undefined) throw invalid('FROM names no image', line);
  if (++stages.count > maxStages) throw invalid(`it has more than ${maxStages} stages`, line);
  if (image.text === 'scratch') {
    throw invalid('an image must be built on one in Ward’s image store, not on scratch', line);
  }
  const base = stages.bases.get(image.text.toLowerCase()) ?? named(image, line, stages);
  if (as?.text.toUpperCase() === 'AS' && alias !== undefined)
    stages.bases.set(alias.text.toLowerCase(), base);
  stages.last = base;
}

function readCopy({ line, words }: Instruction, stages: Stages): void {
  for (const word of words) {
    if (!word.text.startsWith('--')) return;
    const from = /^--from=(.*)$/s.exec(word.text)?.[1];
    if (from === undefined || isStage(from, stages)) continue;
    named({ text: from, start: word.end - from.length, end: word.end }, line, stages);
  }
}

function checkMounts({ line, words }: Instruction, stages: Stages): void {
  for (const word of words) {
    if (!word.text.startsWith('--')) return;
    const options = /^--mount=(.*)$/s.exec(word.text)?.[1]?.split(',') ?? [];
    const from = options.find((option) => option.startsWith('from='))?.slice('from='.length);
    if (from === undefined || isStage(from, stages)) continue;
    throw invalid('RUN --mount can only mount from a stage', line);
  }
}

function isStage(name: string, stages: Stages): boolean {
  return /^\d+$/.test(name) || stages.bases.has(name.toLowerCase());
}

/** Records the position of an image's name. */
function named({ text: name, start, end }: Word, line: number, stages: Stages): string {
  // A name that continues on the next line can't be replaced by its length.
  if (end - start !== name.length) throw invalid('the name of an image spans several lines', line);
  if (/[$"'`]/.test(name)) {
    throw invalid(`the name of an image can't contain variables: ${name.slice(0, 200)}`, line);
  }
  stages.images.push({ name, start, end });
  return name;
}

function invalid(what: string, line?: number): Error {
  const where = line === undefined ? 'Dockerfile' : `Dockerfile, line ${line}`;
  return imageFault('DOCKERFILE_INVALID', `${where}: ${what}`);
}
