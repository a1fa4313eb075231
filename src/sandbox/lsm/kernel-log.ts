/**
 * Reads the kernel's log without ever waiting for it (/dev/kmsg, Documentation/ABI/testing/dev-kmsg). LSMs write
 * refusals there, unless an audit daemon takes them.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf } from '../../lib/index.ts';

export interface KernelLog extends Disposable {
  /** Returns the texts of at most `most` records since the last call; the others stay for the next call. */
  read(most: number): readonly string[];
}

/** A record is one line with its properties, and the kernel limits the length of both. */
const recordBytes = 8192;

/** Starts at the current end of the log. Undefined when the log can't be read. */
export function openKernelLog(path = '/dev/kmsg'): KernelLog | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  const buffer = Buffer.alloc(recordBytes);
  const log: KernelLog = {
    read(most) {
      const texts: string[] = [];
      while (texts.length < most) {
        const size = readRecord(fd, buffer);
        if (size === 0) break;
        if (size > 0) texts.push(textOf(buffer.toString('latin1', 0, size)));
      }
      return texts;
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
  while (log.read(1000).length > 0);
  return log;
}

/**
 * Returns the length of the next record, 0 without one, -1 when the kernel has overwritten records that were not read.
 */
function readRecord(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    return errnoOf(error) === 'EPIPE' ? -1 : 0;
  }
}

/** `priority,sequence,time,flags;text`, and further lines with properties. */
function textOf(record: string): string {
  const [line = ''] = record.split('\n');
  return line.slice(line.indexOf(';') + 1);
}
