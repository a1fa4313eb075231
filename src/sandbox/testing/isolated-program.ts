/** A program for the tests of isolation: enters it, then does what its argument says. */
import { readdirSync, readFileSync } from 'node:fs';
import { isFault, mustRun, startCommand } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';
import { enterIsolation } from '../isolation/isolation.ts';

const order = process.argv[2];
/** Runs in its own session, so that no signal to the terminal's processes reaches it. */
const lasting = ['/usr/bin/setsid', '/bin/sleep', '1000'];

if (order === 'as-nobody') process.seteuid?.(65534);
try {
  if (!isIsolated()) enterIsolation([process.execPath, ...process.argv.slice(1)]);
} catch (error) {
  process.stdout.write(isFault(error) ? error.code : String(error));
  process.exit(2);
}

switch (order) {
  case 'echo':
    process.stdin.pipe(process.stdout);
    process.stdin.on('end', () => {
      process.exitCode = 7;
    });
    break;
  case 'signal':
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(9));
    setInterval(() => {}, 1000);
    process.stdout.write('ready');
    break;
  case 'look':
    process.stdout.write(JSON.stringify(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length));
    break;
  case 'mount': {
    const [, , , folder = ''] = process.argv;
    await mustRun(['mount', '-t', 'tmpfs', 'ward-test', folder]);
    const line = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((text) => text.includes(` ${folder} `));
    process.stdout.write(
      `${line?.split(' - ')[1]?.split(' ')[0]}, ${/ (shared|master):/.test(line ?? '') ? 'shared' : 'private'}`,
    );
    break;
  }
  case 'die-with-child':
    // Start a child that would outlive its parent and holds stdout open.
    startCommand(lasting, { stdio: ['ignore', 'inherit', 'inherit'] });
    process.kill(process.pid, 'SIGKILL');
    break;
  default:
    startCommand(lasting, { stdio: ['ignore', 'inherit', 'inherit'] });
    process.stdout.write('ready');
    setInterval(() => {}, 1000);
}
