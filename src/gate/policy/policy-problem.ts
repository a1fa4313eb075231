/** Describes the problems of a policy place by place, in the schema's words, and suggests the likely meaning. */
import { z } from 'zod';
import { nearestName } from '../../lib/index.ts';
import { policySchema } from './rules-schema.ts';

export interface TextPosition {
  /** Counts from 1. */
  readonly line: number;
  readonly column: number;
}

export interface PolicyProblem extends TextPosition {
  /** `rules.malware.action`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** The text to write instead. */
  readonly suggestion?: string | undefined;
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** @param placeOf returns where the value of a path stands in the text */
export function problemsOf(
  issues: readonly Issue[],
  value: unknown,
  placeOf: (path: Path) => TextPosition,
): readonly PolicyProblem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      const found = valueAt(value, issue.path);
      return [{ ...placeOf(issue.path), path: issue.path.join('.'), ...wordsOf(issue, found) }];
    }
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const message = `there is no key '${key}' here`;
      return { ...placeOf(path), path: path.join('.'), message, suggestion: keyMeant(key, issue.path) };
    });
  });
}

export function problem(
  placeOf: (path: Path) => TextPosition,
  path: Path,
  message: string,
  suggestion?: string,
): PolicyProblem {
  return { ...placeOf(path), path: path.join('.'), message, suggestion };
}

/** One line: `rules.malware.action: …; write deny (line 3, column 5)`. */
export function problemLine({ path, message, suggestion, line, column }: PolicyProblem): string {
  const what = `${path === '' ? 'the policy' : path}: ${message}`;
  return `${what}${suggestion === undefined ? '' : `; ${suggestion}`} (line ${line}, column ${column})`;
}

function wordsOf(issue: Issue, found: unknown): Pick<PolicyProblem, 'message' | 'suggestion'> {
  if (found === undefined) return { message: 'it is missing', suggestion: missingHint(issue) };
  switch (issue.code) {
    case 'invalid_value': {
      const wanted = issue.values.map(String);
      const meant = typeof found === 'string' ? nearestName(found, wanted) : undefined;
      return {
        message: `${shown(found)} is not one of: ${wanted.join(', ')}`,
        ...(meant === undefined ? {} : { suggestion: `did you mean ${meant}?` }),
      };
    }
    case 'invalid_type':
      return { message: `${shown(found)} is not ${typeNames.get(issue.expected) ?? issue.expected}` };
    case 'too_small':
      return issue.origin === 'array'
        ? { message: 'the list is empty, so it names nothing', suggestion: 'leave it out, or fill it' }
        : {
            message: `${shown(found)} is ${issue.origin === 'string' ? 'too short' : `less than ${issue.minimum}`}`,
          };
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? { message: `${shown(found)} is more than ${issue.maximum}` }
        : { message: `it is longer than ${issue.maximum}` };
    default:
      return { message: `${shown(found)}: ${issue.message}` };
  }
}

function missingHint(issue: Issue): string | undefined {
  // The schema's own words are a hint; zod's are not.
  if (!/^(?:Invalid|Too) /.test(issue.message)) return issue.message;
  return issue.code === 'invalid_value' ? `write ${issue.values.map(String).join(' or ')}` : undefined;
}

const typeNames: ReadonlyMap<string, string> = new Map([
  ['object', 'a map of keys'],
  ['record', 'a map of names'],
  ['array', 'a list'],
  ['string', 'a text'],
  ['boolean', 'true or false'],
  ['number', 'a number'],
  ['int', 'a whole number'],
]);

/** Keeps it short, on one line, and without control characters. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = Object.getOwnPropertyDescriptor(found, step)?.value;
  }
  return found;
}

/** Suggests a similar key here, or the place where this key belongs; otherwise lists the keys here. */
function keyMeant(key: string, path: Path): string {
  const here = keysOf(schemaAt(path));
  const meant = nearestName(key, here);
  if (meant !== undefined) return `did you mean ${meant}?`;
  const elsewhere = placesOfKey(key, policySchema.shape.rules, ['rules']);
  if (elsewhere !== undefined) return `it belongs to ${elsewhere}`;
  return `one of ${here.join(', ')}`;
}

function placesOfKey(key: string, type: z.core.$ZodType, path: readonly string[]): string | undefined {
  const plain = plainOf(type);
  if (!(plain instanceof z.ZodObject)) return undefined;
  if (Object.hasOwn(plain.shape, key)) return path.join('.');
  for (const [name, inner] of Object.entries(plain.shape)) {
    const found = placesOfKey(key, inner, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function keysOf(type: z.core.$ZodType | undefined): readonly string[] {
  return type instanceof z.ZodObject ? Object.keys(type.shape) : [];
}

/** Returns the part of the schema at a path. */
function schemaAt(path: Path): z.core.$ZodType | undefined {
  let type: z.core.$ZodType | undefined = policySchema;
  for (const step of path) {
    if (type instanceof z.ZodObject) type = type.shape[String(step)];
    else if (type instanceof z.ZodArray) type = type.element;
    else return undefined;
    type = type === undefined ? undefined : plainOf(type);
  }
  return type;
}

function plainOf(type: z.core.$ZodType): z.core.$ZodType {
  return type instanceof z.ZodOptional ? plainOf(type.unwrap()) : type;
}
