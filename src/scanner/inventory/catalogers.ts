/** The registry of catalogers. */
import { apkCataloger } from './apk.ts';
import { composerCataloger, composerLockCataloger } from './composer.ts';
import { condaCataloger } from './conda.ts';
import { debCataloger, debFilesCataloger } from './deb.ts';
import { debCopyrightCataloger } from './deb-copyright.ts';
import { programCataloger } from './elf/program.ts';
import { gemCataloger } from './gem.ts';
import { bunLockCataloger } from './npm/bun-lock.ts';
import { npmCataloger } from './npm/package-json.ts';
import { packageLockCataloger } from './npm/package-lock.ts';
import { pnpmLockCataloger } from './npm/pnpm-lock.ts';
import { yarnLockCataloger } from './npm/yarn-lock.ts';
import { osReleaseCataloger, releaseFilesCataloger } from './os-release.ts';
import { pipfileLockCataloger, pythonCataloger, requirementsCataloger } from './python.ts';
import { rpmCataloger } from './rpm/rpm.ts';
import { tomlLockCataloger } from './toml-lock.ts';
import type { Cataloger } from './types.ts';

export const catalogers: readonly Cataloger[] = [
  osReleaseCataloger,
  releaseFilesCataloger,
  debCataloger,
  debFilesCataloger,
  debCopyrightCataloger,
  apkCataloger,
  rpmCataloger,
  npmCataloger,
  packageLockCataloger,
  yarnLockCataloger,
  pnpmLockCataloger,
  bunLockCataloger,
  pythonCataloger,
  requirementsCataloger,
  pipfileLockCataloger,
  tomlLockCataloger,
  condaCataloger,
  gemCataloger,
  composerCataloger,
  composerLockCataloger,
  programCataloger,
];
