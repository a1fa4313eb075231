/** The command `ward` as the set-up puts it on the path, made by the set-up's own code in a test folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Type of `scripts/setup/link.mjs`, which is plain JavaScript for older versions of Node. */
interface LinkModule {
  launcherText(root: string): string;
  linkCommand(options: {
    readonly root: string;
    readonly log: string;
    readonly prefix: readonly string[] | undefined;
    readonly path: string;
  }): Promise<string | undefined>;
}

const module = new URL('../scripts/setup/link.mjs', import.meta.url);
export const { launcherText, linkCommand }: LinkModule = await import(module.href);

export const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

export interface LinkedCommand extends AsyncDisposable {
  /** Path of the command. */
  readonly path: string;
  /** A `PATH` with the folder of the command first. */
  readonly searchPath: string;
}

export async function makeLinkedCommand(): Promise<LinkedCommand> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-command-'));
  const path = join(folder, 'bin/ward');
  const before = process.env['WARD_SETUP_RECORD'];
  process.env['WARD_SETUP_RECORD'] = join(folder, 'set-up.json');
  try {
    await linkCommand({ root: checkout, log: join(folder, 'log'), prefix: [], path });
  } finally {
    if (before === undefined) delete process.env['WARD_SETUP_RECORD'];
    else process.env['WARD_SETUP_RECORD'] = before;
  }
  return {
    path,
    searchPath: [join(folder, 'bin'), process.env['PATH']].join(delimiter),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
