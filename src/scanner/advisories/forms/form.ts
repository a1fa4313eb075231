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

/** Where one record of a file begins and ends. */
export type Shape =
  /** Each JSON file in a zip. */
  | { readonly kind: 'zip' }
  /** Each line: JSON, or plain text for tables. */
  | { readonly kind: 'lines'; readonly isJson: boolean }
  /** Each object or list at this depth of one JSON document. */
  | { readonly kind: 'parts'; readonly depth: number };

/** One record before its reader interprets it. */
export interface Item {
  /** Its place, for messages: `line 12`, `GHSA-….json`. */
  readonly place: string;
  /** Names of the properties that lead to it inside a document. */
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface FormContext {
  readonly sink: RecordSink;
  /** ISO time for records of sources that give no times. */
  readonly asOf: string;
  /** Name of the file without folders and extensions: `debian` for `debian.json`. */
  readonly stem: string;
}

/** Takes the items of one file in order. @throws Flaw for an invalid record */
type ItemReader = (item: Item) => void;

export type FormReader = (context: FormContext) => ItemReader;

/** The reason why a record is invalid. */
export class Flaw extends Error {}
