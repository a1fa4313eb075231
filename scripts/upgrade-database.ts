/**
 * Brings the databases that the setting `store` names to the schema of this version, and ends. A new database gets its
 * tables. Servers of the version before go on meanwhile.
 *
 *     node scripts/upgrade-database.ts [--config FILE]
 */
import { parseArgs } from 'node:util';
import { isFault, messageOf } from '../src/lib/index.ts';
import { operatorStores } from '../src/server/admin/operator-stores.ts';
import { loadConfig } from '../src/server/config/config.ts';

const { values } = parseArgs({ options: { config: { type: 'string' } } });
try {
  process.stdout.write(`upgraded ${await upgrade(values.config)}\n`);
} catch (error) {
  process.stderr.write(`error[${isFault(error) ? error.code : 'BUG'}]: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

/** @returns the database, for messages */
async function upgrade(configFile: string | undefined): Promise<string> {
  const { dataDir, store } = await loadConfig({ configFile });
  // The Job need not reach a bucket: only rows change.
  const stores = operatorStores({ dataDir, store, blobs: undefined });
  if (stores.engine === 'sqlite')
    throw new Error('store is not set: Ward upgrades the databases of its data folder when it starts');
  await using _state = await stores.openState();
  await using _gate = await stores.openGate(false);
  await using _registry = await stores.openRegistryReader();
  return stores.where;
}
