/** Runs the commands of a document in the order in which a reader pastes them, against a Ward of their own. */
import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { type CommandResult, runCommand } from '../../src/lib/index.ts';
import { storeOf } from '../engine-switch.ts';
import { outsideEnv, type Ward } from '../ward.ts';
import { codeBlocksOf, readText } from './markdown.ts';

export interface Step {
  readonly title: string;
  readonly script: string;
  /** Its output, if the document shows it. */
  readonly output: string | undefined;
}

/** The blocks that begin with `sh`. A test skips `sh network`, a step that fetches something. */
export function stepsOf(path: string): readonly Step[] {
  const blocks = codeBlocksOf(readText(path));
  return blocks.flatMap(({ info, text }, at): Step[] => {
    const next = blocks[at + 1];
    const output = next?.info === 'output' ? next.text : undefined;
    return info === 'sh' ? [{ title: text.split('\n')[0] ?? '', script: text, output }] : [];
  });
}

export interface StepPlace {
  readonly ward: Ward;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** File with the folder in which the step ends, where the next one begins. */
  readonly cwdFile?: string;
}

/** Expects that it succeeds and prints what the document shows. */
export async function expectStep({ script, output }: Step, place: StepPlace): Promise<CommandResult> {
  const { ward, cwd, env = {}, cwdFile } = place;
  const own = script.replaceAll('http://127.0.0.1:3233', ward.url);
  const leave = cwdFile === undefined ? '' : `trap 'pwd > "${cwdFile}"' EXIT\n`;
  const result = await runCommand(['bash', '-euo', 'pipefail', '-c', leave + own], {
    cwd,
    env: {
      ...outsideEnv(),
      WARD_APIHOST: ward.url,
      WARD_DATA: ward.dataDir,
      ...(await storeOf(ward.dataDir)),
      WSK_CONFIG_FILE: '/nonexistent',
      NO_COLOR: '1',
      ...env,
    },
    timeoutMs: 120_000,
  });
  expect(result.code, result.stderr).toBe(0);
  if (output !== undefined) expect(result.stdout).toBe(output);
  return result;
}

/** The folder that the last step has left in its `cwdFile`. */
export async function cwdAfter(cwdFile: string, otherwise: string): Promise<string> {
  return (await readFile(cwdFile, 'utf8').catch(() => otherwise)).trim();
}
