/** The clocks of the nodes of a cluster. All count on the database's: certificates, leases and alarms follow it. */
import { clusterFault } from './faults.ts';

/** Certificates are valid from this time before their issue, and a node starts only if its clock differs by less. */
export const clockSlackMs = 5 * 60_000;

/**
 * @param here this machine's clock, in epoch milliseconds
 * @param there the database's at the same moment
 * @throws Fault NODE_CLOCK_WRONG
 */
export function checkClock(here: number, there: number): void {
  const ahead = here - there;
  if (Math.abs(ahead) <= clockSlackMs) return;
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  const way = ahead > 0 ? 'ahead of' : 'behind';
  throw clusterFault('NODE_CLOCK_WRONG', `this clock is ${minutes} minutes ${way} the cluster's`, {
    hint: 'set the clock (timedatectl set-ntp true), and start the node again; a token is not used yet',
  });
}
