/**
 * `npm start`, after the set-up: puts the command `ward` on the path, then executes `ward up`. `--no-link` or
 * WARD_NO_LINK=1 leaves the command out; all other arguments go to `ward up`.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkCommand } from './setup/link.mjs';
import { rootPrefix, startLog } from './setup/process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const isLinkless = words.includes('--no-link') || (process.env.WARD_NO_LINK ?? '') !== '';
if (!isLinkless) await link();

// The server restarts itself to be isolated, this time as Ward, without this script.
const launcher = join(root, 'bin/ward.mjs');
process.argv = [process.execPath, launcher, 'up', ...words.filter((word) => word !== '--no-link')];
await import(launcher);

/** Ward works without the command, so a failure is reported and does not stop the start. */
async function link() {
  try {
    const log = startLog(join(root, '.cache/setup/link.log'));
    const said = await linkCommand({ root, log, prefix: rootPrefix() });
    if (said !== undefined) process.stdout.write(`${said}\n`);
  } catch (error) {
    process.stderr.write(`set-up: the command ward could not be created: ${error.message}\n`);
  }
}
