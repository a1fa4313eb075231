/**
 * Checks once a day that unpacked layers and the file of advisories have not changed. Separate processes compare the
 * layers, at the lowest priority, one after the other. Differences are logged and counted; `ward fsck` checks
 * everything else, and repairs.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkLayer, layersOfStore, unpackedLayers } from '../../images/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { compareDigest } from '../../scanner/index.ts';
import type { Config } from '../config/config.ts';
import { gatePaths } from '../instance/gate-paths.ts';

interface DamageWatch extends AsyncDisposable {
  /** Parts that the last check found damaged. */
  damaged(): number;
}

/** Delay after a start, whose first calls need the processors. */
const firstMs = 600_000;
/** Pause between two layers. */
const restMs = 1000;

export function startDamageWatch(
  { dataDir, imagesDir, checks }: Pick<Config, 'dataDir' | 'imagesDir' | 'checks'>,
  log: Log,
): DamageWatch {
  const ending = new AbortController();
  const { signal } = ending;
  const everyMs = checks.everyMinutes * 60_000;
  let count = 0;
  const watch = async (): Promise<void> => {
    for (let waitMs = Math.min(firstMs, everyMs); ; waitMs = everyMs) {
      await sleep(waitMs, undefined, { signal, ref: false });
      try {
        count = (await damagedAdvisories(dataDir, log)) + (await damagedLayers(imagesDir, signal, log));
      } catch (error) {
        signal.throwIfAborted();
        log.error({ reason: messageOf(error) }, 'the check of unpacked layers failed');
      }
    }
  };
  const working = everyMs === 0 ? Promise.resolve() : watch().catch(() => {});
  return {
    damaged: () => count,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await working;
    },
  };
}

async function damagedAdvisories(dataDir: string, log: Log): Promise<number> {
  const { advisories: path } = gatePaths(dataDir);
  if (!existsSync(path) || (await compareDigest(path)) !== 'differs') return 0;
  log.error(
    { file: path },
    'the advisories differ from what was imported: move the file away, and run ward advisories update',
  );
  return 1;
}

async function damagedLayers(imagesDir: string, signal: AbortSignal, log: Log): Promise<number> {
  const known = await layersOfStore(imagesDir);
  let count = 0;
  for (const diffId of await unpackedLayers(imagesDir)) {
    const layer = known.get(diffId);
    if (layer === undefined) continue;
    const problem = await checkLayer(imagesDir, layer, signal);
    if (problem !== undefined) {
      count++;
      log.error(
        { layer: diffId, problem: problem.text },
        'an unpacked layer differs from its image: stop Ward, and run ward fsck --repair',
      );
    }
    await sleep(restMs, undefined, { signal, ref: false });
  }
  return count;
}
