/** `ward sandbox run`, `explain`: pass flags to the server room, which decides what they mean. */
import { parseSize } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';

export const run: Handler = async (input) => {
  const { runSandbox } = await openServer();
  return runSandbox(sandboxOptions(input, input.required(0)));
};

export const explain: Handler = async (input, context) => {
  const { explainSandbox } = await openServer();
  const lines = await explainSandbox(sandboxOptions(input, input.optional(0) ?? ''));
  await context.io.list({
    items: lines,
    columns: [
      { title: 'mechanism', cell: (line) => line.mechanism },
      { title: 'vector', cell: (line) => line.vector },
      { title: 'value', cell: (line) => line.value },
    ],
    name: (line) => line.mechanism,
  });
  return 0;
};

function sandboxOptions(input: Input, image: string) {
  const command = input.rest(1);
  return {
    ...localOptions(input),
    image,
    command: command[0] === '--' ? command.slice(1) : command,
    capAdd: input.texts('capAdd'),
    capDrop: input.texts('capDrop'),
    tmpfs: input.texts('tmpfs'),
    env: input.texts('env').map(checkEnv),
    egress: input.texts('egress'),
    ...given('memory', memoryOf(input)),
    ...given('cpus', input.decimal('cpus')),
    ...given('pidsLimit', input.integer('pidsLimit', { min: 1 })),
    ...given('readOnly', input.has('readOnly') ? true : undefined),
    ...given('seccompFile', input.text('seccomp')),
    ...given('runtime', input.text('runtime')),
    ...given('workdir', input.text('workdir')),
    ...given('user', input.text('user')),
    ...given('timeoutMs', durationMs(input.text('timeout'))),
  };
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { [K in Name]?: Value } {
  const entry: { [K in Name]?: Value } = {};
  if (value !== undefined) entry[name] = value;
  return entry;
}

function memoryOf(input: Input): string | undefined {
  const text = input.text('memory');
  if (text === undefined || (parseSize(text) ?? 0) > 0) return text;
  throw cliFault('USAGE', `--memory takes a size, not '${text}'`, { hint: 'write it like 512m or 2g' });
}

function checkEnv(text: string): string {
  if (/^[^=\0]+=[^\0]*$/s.test(text)) return text;
  throw cliFault('USAGE', `--env takes NAME=VALUE, not '${text}'`, {
    hint: 'ward does not pass on the environment of this shell',
  });
}

/** `500ms`, `30s`, `2m`, `30` (seconds). */
function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,9})(ms|s|m|h)?$/.exec(text);
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? 0;
  const duration = Number(match?.[1] ?? 0) * factor;
  if (duration > 0) return duration;
  throw cliFault('USAGE', `--timeout takes a duration, not '${text}'`, {
    hint: 'write it like 30s, 500ms or 2m',
  });
}
