/** The commands of the README's tour work when pasted: they run in order, against a Ward of their own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LinkedCommand, makeLinkedCommand } from '../linked-command.ts';
import { missingForSandboxes, Ward } from '../ward.ts';
import { root } from './markdown.ts';
import { expectStep, stepsOf } from './steps.ts';

const missing = missingForSandboxes();
const steps = stepsOf('README.md');

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

  it.each(steps)('$title', async (step) => {
    await expectStep(step, { ward, cwd: root, env: { PATH: command.searchPath } });
  });
});
