/** Reads the advisory file that an import is about to replace. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import { type Form, isForm } from '../forms/form.ts';
import { readMark, textOrUndefined } from '../reader.ts';
import { formOf, openReadOnly } from '../schema.ts';
import type { AdvisoryMark } from '../types.ts';

export interface OldSource {
  readonly name: string;
  readonly form: Form;
  readonly digest: string;
  readonly records: number;
  readonly bad: number;
  readonly skipped: number;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly url: string | undefined;
}

export interface OldFile extends AdvisoryMark {
  readonly sources: ReadonlyMap<string, OldSource>;
}

/**
 * Undefined when there is no file, or one of an older form, whose content must be imported again.
 * @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED rather than overwriting a file that it doesn't understand
 */
export function readOld(path: string): OldFile | undefined {
  if (!existsSync(path)) return undefined;
  let db: DatabaseSync | undefined;
  try {
    db = openReadOnly(path);
    const form = formOf(db);
    if (form === 'ours') return { ...readMark(db), sources: readSources(db) };
    if (form === 'older') return undefined;
    throw unreadable(path, form);
  } catch (error) {
    throw error instanceof Error && 'errcode' in error ? corrupt(path, messageOf(error)) : error;
  } finally {
    db?.close();
  }
}

export function unreadable(path: string, form: 'older' | 'newer' | 'foreign'): Error {
  if (form === 'foreign') return corrupt(path, 'it is not a file of advisories');
  return scannerFault(
    'ADVISORIES_UNSUPPORTED',
    `${path} was written by a${form === 'older' ? 'n' : ''} ${form} Ward`,
    {
      hint:
        form === 'older'
          ? 'Update the advisories.'
          : 'Run the newer Ward, or move the file away and update the advisories.',
    },
  );
}

export function corrupt(path: string, reason: string): Error {
  return scannerFault('ADVISORIES_CORRUPT', `${path} can't be read: ${reason}`, {
    hint: 'Move the file away, and update or import the advisories again.',
  });
}

function readSources(db: DatabaseSync): ReadonlyMap<string, OldSource> {
  return new Map(
    db
      .prepare('select * from source')
      .all()
      .flatMap((row): readonly (readonly [string, OldSource])[] => {
        const { form } = row;
        if (!isForm(form)) return [];
        const name = String(row['name']);
        return [
          [
            name,
            {
              name,
              form,
              digest: String(row['digest']),
              records: Number(row['records']),
              bad: Number(row['bad']),
              skipped: Number(row['skipped']),
              etag: textOrUndefined(row['etag']),
              lastModified: textOrUndefined(row['last_modified']),
              url: textOrUndefined(row['url']),
            },
          ],
        ];
      }),
  );
}
