/** Reads the trace of a recorder. Programs in sandboxes choose some words of it, so it is hostile input. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { arch } from 'node:os';
import { sandboxFault } from '../faults.ts';
import { TraceReader } from './trace-reader.ts';

interface Recording extends Disposable {
  /**
   * Returns the numbers of all system calls that sandboxes have made since the recorder began.
   * @throws Fault RECORDING_FAILED when the kernel has lost events
   */
  numbers(): ReadonlySet<number>;
}

const drainEveryMs = 10;

/** @param trace the descriptor of a recorder's trace */
export function readRecording(trace: number): Recording {
  const reader = new TraceReader(arch() === 'arm64' ? 'arm64' : 'x64');
  const buffer = Buffer.alloc(256 * 1024);
  const read = () => readInto(trace, buffer, (text) => reader.push(text));
  const timer = setInterval(read, drainEveryMs);
  return {
    numbers() {
      read();
      if (reader.lost === 0) return reader.numbers;
      throw sandboxFault('RECORDING_FAILED', `the kernel lost ${reader.lost} events of the recording`, {
        hint: 'record fewer or smaller calls at once',
      });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Reads everything that is available now. */
export function readAvailable(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let all = '';
  try {
    readInto(descriptor, Buffer.alloc(64 * 1024), (text) => {
      all += text;
    });
  } finally {
    closeSync(descriptor);
  }
  return all;
}

function readInto(descriptor: number, buffer: Buffer, onText: (text: string) => void): void {
  for (;;) {
    let size = 0;
    try {
      size = readSync(descriptor, buffer);
    } catch {
      // EAGAIN: nothing more for now.
    }
    if (size === 0) return;
    onText(buffer.toString('latin1', 0, size));
  }
}
