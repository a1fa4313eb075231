/** Where the servers of a bus are: the setting `bus:`. */
import { busFault } from './faults.ts';

export interface BusAddresses {
  /** `HOST:PORT` each. */
  readonly servers: readonly string[];
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const defaultPort = 4222;
const mostServers = 16;
const hint = 'write nats://HOST:PORT, or several with commas between them; tls:// for TLS';

/**
 * Parses `nats://a:4222,nats://b:4222`. A user and a password may be in the first address, and hold for all.
 * @throws Fault BUS_ADDRESS_INVALID
 */
export function parseBusAddresses(text: string): BusAddresses {
  const urls = text.split(',').map((each) => parseUrl(each.trim()));
  const [first] = urls;
  if (first === undefined || urls.length > mostServers) throw invalid(`more than ${mostServers} servers`);
  const isTls = first.protocol === 'tls:';
  if (urls.some(({ protocol }) => protocol !== first.protocol))
    throw invalid('some use TLS, and some do not');
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || defaultPort}`);
  return { servers, isTls, user: textOf(first.username), password: textOf(first.password) };
}

/** The setting of another node: without the user and the password of this one. */
export function formatBusAddresses({ servers, isTls }: BusAddresses): string {
  return servers.map((server) => `${isTls ? 'tls' : 'nats'}://${server}`).join(',');
}

/** Never quotes the text, because it may have a password. */
function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    throw invalid('an address has another form');
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '')
    throw invalid('an address has something after its port');
  return url;
}

function textOf(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('its user or password is badly encoded');
  }
}

function invalid(why: string) {
  return busFault('BUS_ADDRESS_INVALID', `the addresses of the bus are not valid: ${why}`, { hint });
}
