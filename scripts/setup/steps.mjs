/** The steps for this machine, in order. A step knows what prevents it from running by itself. */
import { join } from 'node:path';
import * as account from './account.mjs';
import * as clients from './clients.mjs';
import * as webConsole from './console.mjs';
import * as images from './images.mjs';
import * as npm from './packages.mjs';
import { SetupError, startLog } from './process.mjs';
import { recordInstalled } from './record.mjs';
import * as system from './system.mjs';

/**
 * `obstacle` gets the words that make a command run as root (undefined: impossible) and returns what a person must do
 * instead, if anything. `run` gets the same words.
 * @typedef {{
 *   title: string,
 *   why: string,
 *   obstacle: (prefix: readonly string[] | undefined) => string | undefined,
 *   run: (prefix: readonly string[]) => Promise<void>,
 * }} Step
 */

/**
 * @param {{root: string, cacheDir: string, scope: {system: boolean, tests: boolean, bench: boolean, lsm: boolean, images: boolean, console: boolean}}} options
 * @returns {Promise<Step[]>}
 */
export async function planSteps({ root, cacheDir, scope }) {
  const isCurrent = npm.packagesAreCurrent(root);
  const [missing, hasApt, hasAccount, hasGroup, hasImages] = await Promise.all([
    scope.system ? system.missingPrograms(scope) : [],
    scope.system ? system.hasApt() : true,
    scope.system ? account.accountIsThere() : true,
    account.groupIsThere(),
    // Without packages the image store can't be read: the step itself checks again.
    scope.images && isCurrent ? images.imagesAreReady(root) : !scope.images,
  ]);
  return [
    ...(missing.length > 0 ? [systemStep(missing, hasApt, cacheDir, scope)] : []),
    ...(hasAccount ? [] : [accountStep(hasGroup, cacheDir)]),
    ...(isCurrent ? [] : [packagesStep(root, cacheDir)]),
    ...(hasImages ? [] : [imagesStep(root, cacheDir, hasApt)]),
    ...(!scope.console || webConsole.consoleIsBuilt(root) ? [] : [consoleStep(root, cacheDir)]),
    ...(!scope.tests || clients.clientsAreReady(root) ? [] : [clientsStep(root, cacheDir)]),
  ];
}

/** @returns {Step} */
function systemStep(missing, hasApt, cacheDir, scope) {
  const packages = system.packagesOf(missing);
  const commands = system.installCommands(packages);
  return {
    title: `install Debian packages: ${packages.join(' ')}`,
    why: missing.map((program) => `${program.name} ${program.why}`).join('; '),
    obstacle: (prefix) => {
      if (!hasApt)
        return `this machine has no apt; install the packages of these commands:\n${indent(commands)}`;
      return prefix === undefined
        ? `only root can install packages; run:\n${indent(commands.map((line) => `sudo ${line}`))}`
        : undefined;
    },
    run: async (prefix) => {
      const log = startLog(join(cacheDir, 'apt.log'));
      await system.installPackages(packages, prefix, log);
      await recordInstalled({ packages }, { prefix, log });
      const still = await system.missingPrograms(scope);
      if (still.length > 0)
        throw new SetupError(
          `still missing after the installation: ${still.map((program) => program.name).join(', ')}`,
          { log },
        );
    },
  };
}

/** @returns {Step} */
function accountStep(hasGroup, cacheDir) {
  const name = account.accountName;
  const command = account.creationCommand({ hasGroup });
  return {
    title: `create the system user ${name}`,
    why: 'the server runs as it, and it owns Ward’s data',
    obstacle: (prefix) =>
      prefix === undefined ? `only root can create a user; run:\n${indent([`sudo ${command}`])}` : undefined,
    run: async (prefix) => {
      const log = startLog(join(cacheDir, 'account.log'));
      if (await account.accountIsThere()) return;
      await account.createAccount(prefix, log);
      await recordInstalled({ accounts: [name] }, { prefix, log });
      if (!(await account.accountIsThere()))
        throw new SetupError(`the user ${name} is still missing`, { log });
    },
  };
}

/** @returns {Step} */
function packagesStep(root, cacheDir) {
  return {
    title: 'install the npm packages of the lock file',
    why: 'npm ci, with the Node that Ward runs on',
    obstacle: () => undefined,
    run: () => npm.installPackages(root, startLog(join(cacheDir, 'npm.log'))),
  };
}

/** @returns {Step} */
function imagesStep(root, cacheDir, hasApt) {
  const command = images.buildCommand(root);
  return {
    title: `build the runtime images in ${images.imageStoreDir()}`,
    why: 'Node.js and Python for functions, from Debian and npm packages; once',
    obstacle: (prefix) => {
      if (!hasApt)
        return `building the runtime images needs apt; run this on a machine with apt and copy the folder:\n${indent([command])}`;
      return prefix === undefined
        ? `only root can build the runtime images; run:\n${indent([`sudo ${command}`])}`
        : undefined;
    },
    run: async (prefix) => {
      if (await images.imagesAreReady(root)) return;
      await images.buildImages(root, prefix, startLog(join(cacheDir, 'images.log')));
    },
  };
}

/** @returns {Step} */
function consoleStep(root, cacheDir) {
  return {
    title: 'build the console',
    why: 'the web application at /console/, from its sources in this checkout',
    obstacle: () => undefined,
    run: () => webConsole.buildConsole(root, startLog(join(cacheDir, 'console.log'))),
  };
}

/** @returns {Step} */
function clientsStep(root, cacheDir) {
  return {
    title: 'install the Serverless Framework for a test',
    why: 'npm ci of test/serverless, outside of the checkout',
    obstacle: () => undefined,
    run: () => clients.installClients(root, startLog(join(cacheDir, 'clients.log'))),
  };
}

/** @param {readonly string[]} lines */
function indent(lines) {
  return lines.map((line) => `  ${line}`).join('\n');
}
