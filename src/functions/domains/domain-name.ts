/** Names that a namespace can have its functions at: `shop.example.com`, in ASCII and lower case. */
import { domainToASCII } from 'node:url';
import { parseHostName } from '../../egress/index.ts';
import { functionFault } from '../faults.ts';

declare const domainBrand: unique symbol;

export type DomainName = string & { readonly [domainBrand]: true };

const challengeLabel = '_ward-challenge';
/** So that the name of the DNS record is not too long. */
const maxLength = 253 - challengeLabel.length - 1;
/** What `domainToASCII` would read as another part of a URL, remove, or decode. */
const noName = /[\s\p{Cc}/\\:?#@%[\]]/u;

/**
 * Parses a name with at least two labels, also one in letters of other languages.
 * @throws Fault DOMAIN_INVALID, for wildcards and addresses, too
 */
export function parseDomainName(text: string): DomainName {
  if (text.includes('*')) throw invalid(text, 'wildcards are not supported');
  if (text.length > 1000 || noName.test(text)) throw invalid(text, 'it is no host name');
  const name = parseHostName(domainToASCII(text));
  if (name === undefined || name.includes('_')) throw invalid(text, 'it is no host name');
  if (!name.includes('.')) throw invalid(text, 'it has only one label');
  if (name.length > maxLength) throw invalid(text, `it is longer than ${maxLength} characters`);
  return name as DomainName;
}

/** The name of the DNS record that proves the domain. */
export function challengeNameOf(name: DomainName): string {
  return `${challengeLabel}.${name}`;
}

/**
 * Whether the name is one of the server's own, or above one: a page there could set cookies that browsers send to the
 * server.
 */
export function isAtServer(name: string, own: readonly string[]): boolean {
  return own.some((each) => each === name || each.endsWith(`.${name}`));
}

/** The name in a `Host` header, without its port. */
export function nameInHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

function invalid(text: string, why: string) {
  return functionFault('DOMAIN_INVALID', `'${text.slice(0, 100)}' can't be a domain: ${why}`, {
    hint: 'Give a whole name, such as shop.example.com.',
  });
}
