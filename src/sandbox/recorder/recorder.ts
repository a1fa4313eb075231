/**
 * Records the system calls of sandboxes that this process starts, through an instance of ftrace of its own
 * (Documentation/trace/ftrace.rst): it touches no other tracing, and removes the instance afterwards. tracefs is
 * mounted in this process's own mount namespace only. Programs in sandboxes choose some words of the trace, so another
 * process without rights reads it (`reading.ts`).
 */
import { closeSync, constants, existsSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { messageOf, mustRun, randomHex } from '../../lib/index.ts';
import { sandboxFault } from '../faults.ts';
import { readAvailable } from './reading.ts';

interface Recorder extends AsyncDisposable {
  /** A non-blocking descriptor of the trace. */
  readonly trace: number;
  /** Records processes that this thread starts from now on, and no earlier ones. */
  begin(): Promise<void>;
}

const tracefs = '/sys/kernel/tracing';
const dirOf = (instance: string): string => join(tracefs, 'instances', `ward-${instance}`);
/** For all processors together. */
const bufferKiB = 64 * 1024;

/**
 * Records only this thread's children.
 * @param instance unique among running Wards; what an earlier Ward of that name left is removed
 * @throws Fault RECORDING_FAILED
 */
export async function openRecorder(instance: string): Promise<Recorder> {
  const dir = dirOf(instance);
  await using stack = new AsyncDisposableStack();
  try {
    stack.use(await mountTracefs());
    if (existsSync(dir)) await rmdir(dir);
    await mkdir(dir);
    stack.defer(() => rmdir(dir));
    const pid = ownPid(dir);
    await configure(dir, pid);
    const trace = openSync(join(dir, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    stack.defer(() => closeSync(trace));
    const opened = stack.move();
    return {
      trace,
      begin: () => enable(dir, pid).catch(refuse),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (cause) {
    return refuse(cause);
  }
}

/** Removes the recording of a Ward that was killed: its buffer stays in the kernel's memory otherwise. */
export async function removeRecording(instance: string): Promise<void> {
  await using _mounted = await mountTracefs();
  if (existsSync(dirOf(instance))) await rmdir(dirOf(instance));
}

async function mountTracefs(): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  if (!existsSync(join(tracefs, 'instances'))) {
    await mustRun(['mount', '-t', 'tracefs', 'tracefs', tracefs]);
    stack.defer(async () => void (await mustRun(['umount', '--lazy', tracefs])));
  }
  return stack.move();
}

function refuse(cause: unknown): never {
  throw sandboxFault('RECORDING_FAILED', `system calls can't be recorded here: ${messageOf(cause)}`, {
    hint: 'the kernel must have ftrace with system call events, and /sys/kernel/tracing must not be locked down',
    cause,
  });
}

/** Finds the kernel's id of this thread in any pid namespace: the trace has it in front of a marker. */
function ownPid(dir: string): string {
  const marker = randomHex(8);
  writeFileSync(join(dir, 'trace_marker'), marker);
  const text = readAvailable(join(dir, 'trace_pipe'));
  const pid = new RegExp(`-(\\d+)\\s+\\[\\d+\\].*${marker}`).exec(text)?.[1];
  if (pid === undefined) throw new Error('no marker in the trace');
  return pid;
}

const setIn = (dir: string) => (file: string, value: string) => writeFile(join(dir, file), value);

async function configure(dir: string, pid: string): Promise<void> {
  const set = setIn(dir);
  await set('buffer_size_kb', String(Math.max(1024, Math.floor(bufferKiB / availableParallelism()))));
  await set('trace_clock', 'mono');
  await set('options/event-fork', '1');
  await set('events/raw_syscalls/sys_enter/filter', `common_pid != ${pid}`);
}

async function enable(dir: string, pid: string): Promise<void> {
  const set = setIn(dir);
  // This comes first: without it, the kernel records the events of the whole machine.
  await set('set_event_pid', pid);
  await set('events/sched/sched_process_fork/enable', '1');
  await set('events/raw_syscalls/sys_enter/enable', '1');
}
