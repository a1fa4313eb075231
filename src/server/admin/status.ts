/** What `ward status` shows the operator of this machine, from one look into the database. */
import { type CertificateView, certificatesOf } from './certificates.ts';
import { openState, type Place } from './cluster.ts';
import { type NodeList, nodeListOf } from './nodes.ts';

export interface StatusView extends NodeList {
  readonly certificates: readonly CertificateView[];
}

/** @throws Fault DATA_DIR_EMPTY */
export async function viewStatus(place: Place): Promise<StatusView> {
  await using at = await openState(place);
  const certificates = await certificatesOf(at.config, at.store);
  return { ...(await nodeListOf(at.config, at.store)), certificates };
}
