/**
 * Records for `ward uninstall` what the set-up has installed outside of this checkout: the Debian packages that were
 * missing, the paths of the command, and the server's account. The record is beside Ward's own state.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLogged } from './process.mjs';

const self = fileURLToPath(import.meta.url);

/** @typedef {{packages: readonly string[], launchers: readonly string[], accounts: readonly string[]}} Installed */

/** Path of the record; WARD_SETUP_RECORD names another file. */
export function recordPath(env = process.env) {
  return env.WARD_SETUP_RECORD || '/var/lib/ward/set-up.json';
}

/**
 * Adds to the record, with a separate program, since only root can write there. If that fails, the set-up continues,
 * and the uninstaller lists fewer packages.
 * @param {Partial<Installed>} installed
 * @param {{prefix: readonly string[], log: string}} options
 */
export async function recordInstalled(installed, { prefix, log }) {
  const argv = [...prefix, process.execPath, self, recordPath(), JSON.stringify(installed)];
  await runLogged(argv, { log }).catch((error) => {
    if (error.exitCode !== 1) throw error;
    process.stdout.write(`(could not record the installed packages in ${recordPath()}) `);
  });
}

/** @param {string} path @returns {Installed} */
function readRecord(path) {
  try {
    const { packages = [], launchers = [], accounts = [] } = JSON.parse(readFileSync(path, 'utf8'));
    return { packages, launchers, accounts };
  } catch {
    return { packages: [], launchers: [], accounts: [] };
  }
}

function addToRecord(path, { packages = [], launchers = [], accounts = [] }) {
  const before = readRecord(path);
  const merged = (a, b) => [...new Set([...a, ...b])].sort();
  const after = {
    packages: merged(before.packages, packages),
    launchers: merged(before.launchers, launchers),
    accounts: merged(before.accounts, accounts),
  };
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(after, null, 2)}\n`);
  renameSync(draft, path);
}

const [, program, path, installed] = process.argv;
if (program === self) addToRecord(path, JSON.parse(installed));
