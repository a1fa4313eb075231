/**
 * A cluster against one server on the same machine: PostgreSQL, NATS and an S3-compatible store (moto), all of which
 * share its processors with Ward and the load. Both servers of a pair run at the same time, and rounds alternate.
 */
import { missingForCluster, startEngines } from '../test/cluster/engines.ts';
import { bareHopRows } from './cluster/bare.ts';
import { hopRows } from './cluster/hop.ts';
import { imageRows } from './cluster/images.ts';
import { lostNodeRows } from './cluster/lost-node.ts';
import { payloadRows } from './cluster/payload.ts';
import { Site } from './cluster/site.ts';
import { spreadRows } from './cluster/spread.ts';
import type { Row } from './table.ts';

export async function benchCluster(folder: string): Promise<readonly Row[]> {
  const missing = await missingForCluster();
  if (missing !== undefined) throw new Error(`${missing}: npm run bench installs it`);
  await using engines = await startEngines({ isDurable: true });
  const site = new Site(engines);
  return [
    ...(await hopRows(site, folder)),
    ...(await bareHopRows(engines, folder)),
    ...(await payloadRows(engines, folder)),
    ...(await spreadRows(site)),
    ...(await lostNodeRows(site)),
    ...(await imageRows(site, folder)),
  ];
}
