/** Why an attempt failed, and what to do about it, told from what the authority or the network says. */

interface Cause {
  /** The texts come from authorities, and their form is no promise. */
  readonly says: RegExp;
  /** In words for a namespace, which sees nothing of the server's surroundings. */
  readonly reason: string;
  /** What an operator can do. */
  readonly hint: string;
}

/** The first that fits counts. */
const causes: readonly Cause[] = [
  {
    says: /does not answer/i,
    reason: 'the authority does not answer',
    hint: 'check that this machine reaches the authority; for one of your own, set NODE_EXTRA_CA_CERTS',
  },
  {
    says: /ratelimited|rate limit|too many/i,
    reason: 'the authority limits attempts',
    hint: 'the authority limits attempts: wait, and leave the database as it is',
  },
  {
    says: /\bcaa\b/i,
    reason: 'the CAA record of the name does not allow the authority',
    hint: 'allow the authority in the CAA record of the name',
  },
  {
    says: /\bdns\b|nxdomain|no such host|servfail/i,
    reason: 'the name does not lead to Ward in DNS',
    hint: 'let the name lead to this server in DNS',
  },
  {
    says: /connection|refused|timeout|timed out|unauthorized|did not match|404|no route|takes too long/i,
    reason: 'the authority did not find Ward at the name',
    hint: 'let the authority reach the name at port 80 (tls.redirect), or at port 443 of Ward itself',
  },
];
const otherCause = { reason: 'the order failed', hint: 'the log of the server has more' };

export function causeOf(error: string): Pick<Cause, 'reason' | 'hint'> {
  return causes.find(({ says }) => says.test(error)) ?? otherCause;
}
