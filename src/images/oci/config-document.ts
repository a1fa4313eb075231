/** Reads the configuration of an image, and refuses one that other programs would read differently. */
import { imageFault } from '../faults.ts';
import { findTrouble } from './json-text.ts';
import { configKeys, findMiscasedKey } from './miscased-key.ts';
import { type Config, configSchema, parseDocument } from './schema.ts';

const textLimits = { depth: 32, keys: 100_000, values: 200_000 };

/** @throws Fault IMAGE_INVALID, also when a key appears twice, or differs from a known one only in case */
export function parseConfig(bytes: Uint8Array, what: string): Config {
  const config = parseDocument(configSchema, bytes, what);
  const trouble = findTrouble(Buffer.from(bytes).toString('utf8'), textLimits);
  if (trouble !== undefined) throw imageFault('IMAGE_INVALID', `${what}: ${trouble}`);
  const miscased = findMiscasedKey(config, configKeys);
  if (miscased === undefined) return config;
  const shown = JSON.stringify(miscased.slice(0, 100));
  throw imageFault('IMAGE_INVALID', `${what}: it has the key ${shown}, which some would read as another`);
}
