/**
 * The runtime images (Node.js and Python for functions). `images/` builds them and knows whether they exist; it needs
 * the locked Node, so this file runs itself with that one: `node images.mjs ready|build STORE`.
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { probe, runLogged } from './process.mjs';

const self = fileURLToPath(import.meta.url);

/** Folder of the runtime images. */
export function imageStoreDir() {
  return process.env.WARD_IMAGES || '/var/lib/ward/images';
}

/** @param {string} root @returns {Promise<boolean>} */
export async function imagesAreReady(root) {
  return (await probe([nodeOf(root), self, 'ready', imageStoreDir()])).code === 0;
}

/** The command that a user would type. @param {string} root */
export function buildCommand(root) {
  const [node, script] = [nodeOf(root), self].map((path) => relative(root, path));
  return `${node} ${script} build ${imageStoreDir()}`;
}

/** @param {string} root @param {readonly string[]} prefix @param {string} log */
export async function buildImages(root, prefix, log) {
  await runLogged([...prefix, nodeOf(root), self, 'build', imageStoreDir()], { log });
}

function nodeOf(root) {
  const locked = join(root, 'node_modules/.bin/node');
  return existsSync(locked) ? locked : process.execPath;
}

async function main([verb, storeDir]) {
  module.enableCompileCache?.(fileURLToPath(new URL('../../node_modules/.cache/ward', import.meta.url)));
  const { buildRuntimeImages, runtimeImagesReady } = await import('../../src/images/index.ts');
  if (verb === 'ready') return (await runtimeImagesReady(storeDir)) ? 0 : 1;
  const { giveBack } = await import('../../src/server/image-build/give-back.ts');
  try {
    await buildRuntimeImages({ dir: storeDir, progress: (line) => console.log(line) });
  } finally {
    giveBack(storeDir);
  }
  return 0;
}

if (process.argv[1] === self) process.exitCode = await main(process.argv.slice(2));
