/** `ward completion SHELL`: scripts made from the same records as the commands themselves. */
import type { EntrySpec, Handler } from '../command-spec.ts';
import { bashScript, zshScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { cliFault } from '../faults.ts';

const scripts: ReadonlyMap<string, (entries: readonly EntrySpec[]) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

export const completion: Handler = async (input, context) => {
  const shell = input.required(0);
  const script = scripts.get(shell);
  if (script === undefined)
    throw cliFault('USAGE', `no completion for '${shell}'`, {
      hint: `shells: ${[...scripts.keys()].join(', ')}`,
    });
  context.io.lines([script(context.entries)]);
  return 0;
};
