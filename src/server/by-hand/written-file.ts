/**
 * A file that root opens and the other half of a command writes. It belongs to the caller of sudo(8) if that user can
 * write there, otherwise to the owner of the folder. So root follows no link that its owner could not.
 */
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import { actAsCaller, actAsOwner } from '../admin/act-as.ts';

export interface WrittenFile {
  readonly descriptor: number;
  /** Removes the file if it was created and nothing was written. */
  close(): void;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOCTTY } = constants;

/** Keeps the file's content until something is written. @throws errors of the system */
export function openToWrite(given: string): WrittenFile {
  const path = resolve(given);
  try {
    const asCaller = openAs(path, actAsCaller);
    if (asCaller !== undefined) return asCaller;
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
  const asOwner = openAs(path, () => actAsOwner(dirname(path)));
  if (asOwner === undefined) throw new Error(`${path} can't be opened`);
  return asOwner;
}

function openAs(path: string, act: () => Disposable | undefined): WrittenFile | undefined {
  using acting = act();
  if (acting === undefined) return undefined;
  const [descriptor, isMade] = makeOrOpen(path);
  return {
    descriptor,
    close() {
      const isEmpty = fstatSync(descriptor).size === 0;
      closeSync(descriptor);
      if (!isMade || !isEmpty) return;
      using _acting = act();
      unlinkSync(path);
    },
  };
}

function makeOrOpen(path: string): readonly [descriptor: number, isMade: boolean] {
  try {
    return [openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, 0o644), true];
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return [openSync(path, O_WRONLY | O_NOCTTY), false];
  }
}
