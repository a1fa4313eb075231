/**
 * Reads the kernel's log without ever waiting for it (/dev/kmsg, Documentation/ABI/testing/dev-kmsg): what an LSM
 * refused is told there, unless an audit daemon takes it.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf } from '../../lib/index.ts';

export interface KernelLog extends Disposable {
  /** The texts of the records since the last call, at most `most` of them; the others stay for the next call. */
  read(most: number): readonly string[];
}

/** A record is one line and its properties; the kernel cuts both. */
const recordBytes = 8192;

/** Starts at the end of the log as it is now. Undefined when it can't be read. */
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

/** Bytes of the next record, 0 when there is none, -1 when records were overwritten before they were read. */
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
