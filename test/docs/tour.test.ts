/** The tour of the README works when it is pasted: its commands are run in order, against a Ward of their own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/lib/index.ts';
import { type LinkedCommand, makeLinkedCommand } from '../linked-command.ts';
import { missingForSandboxes, outsideEnv, Ward } from '../ward.ts';
import { codeBlocksOf, readText, root } from './markdown.ts';

const missing = missingForSandboxes();

interface Step {
  readonly title: string;
  readonly script: string;
  /** What it prints, where the README shows it. */
  readonly output: string | undefined;
}

const blocks = codeBlocksOf(readText('README.md'));
const steps = blocks.flatMap(({ info, text }, at): Step[] => {
  const next = blocks[at + 1];
  const output = next?.info === 'output' ? next.text : undefined;
  // `sh network`: the step fetches a package, which a test does not.
  return info === 'sh' ? [{ title: text.split('\n')[0] ?? '', script: text, output }] : [];
});

describe.skipIf(missing !== undefined)(`the tour of the README${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let command: LinkedCommand;

  beforeAll(async () => {
    command = await makeLinkedCommand();
    ward = await Ward.start();
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await command?.[Symbol.asyncDispose]();
  });

  it('has steps', () => {
    expect(steps.length).toBeGreaterThan(7);
  });

  it.each(steps)('$title', async ({ script, output }) => {
    const result = await runCommand(
      ['bash', '-euo', 'pipefail', '-c', script.replaceAll(/http:\/\/127\.0\.0\.1:3233/g, ward.url)],
      {
        cwd: root,
        env: {
          ...outsideEnv(),
          PATH: command.searchPath,
          WARD_APIHOST: ward.url,
          WARD_DATA: ward.dataDir,
          WSK_CONFIG_FILE: '/nonexistent',
          NO_COLOR: '1',
        },
        timeoutMs: 60_000,
      },
    );
    expect(result).toMatchObject({ code: 0 });
    if (output !== undefined) expect(result.stdout).toBe(output);
  });
});
