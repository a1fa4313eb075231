/** What an operator can do about an attempt that has failed, by what the authority or the network says. */

/** The first that fits counts. The texts come from authorities, and their form is no promise. */
const advice: readonly (readonly [says: RegExp, hint: string])[] = [
  [
    /does not answer/i,
    'check that this machine reaches the authority; for one of your own, set NODE_EXTRA_CA_CERTS',
  ],
  [
    /ratelimited|rate limit|too many/i,
    'the authority limits attempts: wait, and leave the database as it is',
  ],
  [/\bcaa\b/i, 'allow the authority in the CAA record of the name'],
  [/\bdns\b|nxdomain|no such host|servfail/i, 'let the name lead to this server in DNS'],
  [
    /connection|refused|timeout|timed out|unauthorized|did not match|404|no route|takes too long/i,
    'let the authority reach the name at port 80 (tls.redirect), or at port 443 of Ward itself',
  ],
];

export function adviceFor(error: string): string {
  return advice.find(([says]) => says.test(error))?.[1] ?? 'the log of the server has more';
}
