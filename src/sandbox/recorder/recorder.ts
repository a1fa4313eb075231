/**
 * Records the system calls of sandboxes that this process starts, through an instance of ftrace of its own
 * (Documentation/trace/ftrace.rst): nobody else's tracing is touched, and the instance is removed afterwards. tracefs
 * is mounted in this process's own mount namespace only.
 */
import { closeSync, constants, existsSync, openSync, readSync, writeFileSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { arch, availableParallelism } from 'node:os';
import { join } from 'node:path';
import { messageOf, mustRun, randomHex } from '../../lib/index.ts';
import { sandboxFault } from '../faults.ts';
import { TraceReader } from './trace-reader.ts';

export interface Recorder extends AsyncDisposable {
  /**
   * Numbers of all system calls that sandboxes have made since it was opened.
   * @throws Fault RECORDING_FAILED when the kernel has lost some
   */
  numbers(): ReadonlySet<number>;
}

const tracefs = '/sys/kernel/tracing';
const drainEveryMs = 10;
/** Of all processors together. */
const bufferKiB = 64 * 1024;

/**
 * Only this thread's children are recorded.
 * @param instance unique among running Wards; what an earlier one of that name left is removed
 * @throws Fault RECORDING_FAILED
 */
export async function openRecorder(instance: string): Promise<Recorder> {
  const dir = join(tracefs, 'instances', `ward-${instance}`);
  await using stack = new AsyncDisposableStack();
  try {
    if (!existsSync(join(tracefs, 'instances')))
      await mustRun(['mount', '-t', 'tracefs', 'tracefs', tracefs]);
    if (existsSync(dir)) await rmdir(dir);
    await mkdir(dir);
    stack.defer(() => rmdir(dir));
    await configure(dir, ownPid(dir));
    const trace = drain(dir);
    stack.use(trace);
    const opened = stack.move();
    return { numbers: trace.numbers, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (cause) {
    throw sandboxFault('RECORDING_FAILED', `system calls can't be recorded here: ${messageOf(cause)}`, {
      hint: 'the kernel must have ftrace with system call events, and /sys/kernel/tracing must not be locked down',
      cause,
    });
  }
}

/** What the kernel calls this thread, whatever pid namespace it is in: the trace has that in front of a marker. */
function ownPid(dir: string): string {
  const marker = randomHex(8);
  writeFileSync(join(dir, 'trace_marker'), marker);
  const text = readAvailable(join(dir, 'trace_pipe'));
  const pid = new RegExp(`-(\\d+)\\s+\\[\\d+\\].*${marker}`).exec(text)?.[1];
  if (pid === undefined) throw new Error('no marker in the trace');
  return pid;
}

async function configure(dir: string, pid: string): Promise<void> {
  const set = (file: string, value: string) => writeFile(join(dir, file), value);
  await set('buffer_size_kb', String(Math.max(1024, Math.floor(bufferKiB / availableParallelism()))));
  await set('trace_clock', 'mono');
  await set('options/event-fork', '1');
  await set('set_event_pid', pid);
  await set('events/raw_syscalls/sys_enter/filter', `common_pid != ${pid}`);
  await set('events/sched/sched_process_fork/enable', '1');
  await set('events/raw_syscalls/sys_enter/enable', '1');
}

function drain(dir: string): Disposable & Pick<Recorder, 'numbers'> {
  const reader = new TraceReader(arch() === 'arm64' ? 'arm64' : 'x64');
  const descriptor = openSync(join(dir, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(256 * 1024);
  const read = () => readInto(descriptor, buffer, (text) => reader.push(text));
  const timer = setInterval(read, drainEveryMs);
  return {
    numbers() {
      read();
      if (reader.lost === 0) return reader.numbers;
      throw sandboxFault('RECORDING_FAILED', `the kernel lost ${reader.lost} events of the recording`, {
        hint: 'record fewer or smaller calls at once',
      });
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      closeSync(descriptor);
    },
  };
}

function readAvailable(path: string): string {
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
