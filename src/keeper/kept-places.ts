/** The server's half of the keeper's places on disk: mounted roots, and folders for code. */
import { readdir, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { RootMounter } from '../images/index.ts';
import type { KeeperLink } from './link.ts';

export function openKeptMounter(link: KeeperLink): RootMounter {
  const { layersDir } = link.hello;
  return {
    async mount(root, { reference, layerDirs, folders }) {
      const layers = layerDirs.map((dir) => relative(layersDir, dir));
      return (await link.ask('mount', { root, reference, layers, folders: [...folders] })).path;
    },
    async unmount(root) {
      await link.ask('unmount', { root });
    },
  };
}

/** Makes folders that sandboxes see and only the server fills. */
interface KeptPlaces {
  make(): Promise<string>;
  remove(path: string): Promise<void>;
  readonly workDir: string;
}

export function openKeptPlaces(link: KeeperLink): KeptPlaces {
  const { codeWorkDir: workDir } = link.hello;
  if (workDir === undefined) throw new TypeError('the keeper has no places for code');
  const ask = async (): Promise<string> => (await link.ask('makeCode', {})).path;
  // Keep a spare folder, so that a first call does not wait for one.
  let spare: Promise<string | undefined> | undefined;
  return {
    workDir,
    async make() {
      const taken = spare;
      spare = undefined;
      const path = (await taken) ?? (await ask());
      spare ??= ask().catch(() => undefined);
      return path;
    },
    async remove(path) {
      const names = await readdir(path);
      await Promise.all(names.map((name) => rm(join(path, name), { recursive: true, force: true })));
      await link.ask('removeCode', { code: basename(path) });
    },
  };
}
