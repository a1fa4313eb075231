/** The forms in which sources publish, and how each is cut into records. */
import type { RecordSink } from '../record.ts';

export const forms = [
  'osv',
  'debian-tracker',
  'alpine-secdb',
  'kev',
  'epss',
  'cve-ratings',
  'lifecycle',
  'node-core',
  'ruby-advisories',
] as const;
export type Form = (typeof forms)[number];

export function isForm(value: unknown): value is Form {
  return forms.some((form) => form === value);
}

/** What one record of a file is. */
export type Shape =
  /** A JSON file of a zip. */
  | { readonly kind: 'zip' }
  /** A line, as JSON or, for tables, as it is. */
  | { readonly kind: 'lines'; readonly isJson: boolean }
  /** An object or a list at this depth of one JSON document. */
  | { readonly kind: 'parts'; readonly depth: number };

/** One record as it was read. */
export interface Item {
  /** Where it is: `line 12`, `GHSA-….json`. */
  readonly place: string;
  /** The names on the way to it, inside a document. */
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface FormContext {
  readonly sink: RecordSink;
  /** ISO time of what sources without times of their own say. */
  readonly asOf: string;
  /** Of the file, without folders and endings: `debian` of `debian.json`. */
  readonly stem: string;
}

/** Takes the items of one file in their order. @throws Flaw for one that makes no sense */
type ItemReader = (item: Item) => void;

export type FormReader = (context: FormContext) => ItemReader;

/** Why a record makes no sense. */
export class Flaw extends Error {}
