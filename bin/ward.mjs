#!/usr/bin/env node
/**
 * The launcher: plain JavaScript that any Node ≥ 18 can parse. Ward's sources need the Node of the lock file;
 * on an older one this starts that Node with the same arguments and stands in for it (streams, signals, exit
 * code). Refuses to run without installed packages, and says how to get them.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const neededMajor = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockedNode = join(root, 'node_modules/.bin/node');

if (Number.parseInt(process.versions.node, 10) >= neededMajor) await runHere();
else if (existsSync(lockedNode)) runOnLockedNode();
else
  refuse(`Ward needs Node ${neededMajor}, this is ${process.versions.node}, and no packages are installed`);

async function runHere() {
  if (!existsSync(join(root, 'node_modules/commander')))
    return refuse('the packages of Ward are not installed');
  // Beside the packages, never in a shared /tmp: what is cached there is run.
  // The server has one of its own: it may not write beside the packages.
  module.enableCompileCache(process.env.WARD_COMPILE_CACHE ?? join(root, 'node_modules/.cache/ward'));
  const { main } = await import('../src/cli/main.ts');
  process.exitCode = await main(process.argv.slice(2), process);
}

function runOnLockedNode() {
  // Before the child exists: a signal that comes in between is handled when it does.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  // A terminal sends its interrupt to the whole group: passing it on would make it two.
  const inTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => {
    if (!inTerminal) child.kill('SIGINT');
  });
  const child = spawn(lockedNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  child.on('error', (error) => refuse(`${lockedNode} does not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

function refuse(what) {
  process.stderr.write(`error[NOT_SET_UP]: ${what}\ntry:   npm start, or npm ci, in ${root}\n`);
  process.exitCode = 1;
}
