/** `ward property get`, `set`, `unset`. */
import { packageVersion } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { parseApihost } from '../settings.ts';
import { lockSettings } from '../settings-lock.ts';
import { updateWskprops, wskpropsPath } from '../wskprops.ts';

/** Name of the flag → name in the file. */
const properties = { apihost: 'APIHOST', auth: 'AUTH', namespace: 'NAMESPACE' } as const;
type Property = keyof typeof properties;

interface Row {
  readonly property: string;
  readonly value: string;
  readonly source: string;
}

const buildFlags = { apibuild: 'build', apibuildno: 'buildno' } as const;

export const get: Handler = async (input, context) => {
  const { apihost, auth, namespace, insecure } = context.settings();
  const isAll = input.has('all');
  const local: readonly Row[] = [
    { property: 'apihost', ...apihost },
    { property: 'auth', value: auth?.value ?? '', source: auth?.source ?? 'not set' },
    { property: 'namespace', ...namespace },
    { property: 'apiversion', value: 'v1', source: '' },
    { property: 'cliversion', value: packageVersion(), source: '' },
    { property: 'insecure', value: String(insecure), source: '' },
  ];
  const asksServer = isAll || Object.keys(buildFlags).some((flag) => input.has(flag));
  const rows = asksServer ? [...local, ...(await buildRows(context, apihost.value))] : local;
  const asked = isAll ? [] : rows.filter(({ property }) => input.has(property));
  if (asked.length > 0) {
    context.io.lines(asked.map(({ value }) => value));
    return 0;
  }
  await context.io.list({
    items: rows.map((row) => (row.property === 'auth' ? { ...row, value: maskKey(auth?.value) } : row)),
    columns: [
      { title: 'property', cell: (row) => row.property },
      { title: 'value', cell: (row) => row.value },
      { title: 'source', cell: (row) => row.source },
    ],
    name: (row) => row.property,
  });
  return 0;
};

async function buildRows(context: Context, apihost: string): Promise<readonly Row[]> {
  const client = await context.client();
  const info = await client.sendForObject({ method: 'GET', path: [], isPublic: true });
  return Object.entries(buildFlags).map(([property, field]) => ({
    property,
    value: textOf(info[field]),
    source: apihost,
  }));
}

export const set: Handler = async (input, context) => {
  const names = required(input);
  const apihost = input.text('apihost');
  if (apihost !== undefined) parseApihost(apihost, '--apihost');
  for (const name of names)
    if (/[\r\n]/.test(input.text(name) ?? '')) throw cliFault('USAGE', `--${name} must be one line`);
  const path = wskpropsPath(context.env);
  using _lock = await lockSettings(path);
  await updateWskprops(path, Object.fromEntries(names.map((name) => [properties[name], input.text(name)])));
  for (const name of names) context.io.ok(`set ${name} in ${path}`);
  return 0;
};

export const unset: Handler = async (input, context) => {
  const names = required(input);
  const path = wskpropsPath(context.env);
  using _lock = await lockSettings(path);
  await updateWskprops(path, Object.fromEntries(names.map((name) => [properties[name], undefined])));
  for (const name of names) context.io.ok(`removed ${name} from ${path}`);
  return 0;
};

function namedIn(input: Input): Property[] {
  return (['apihost', 'auth', 'namespace'] as const).filter((name) => input.has(name));
}

function required(input: Input): Property[] {
  const names = namedIn(input);
  if (names.length > 0) return names;
  throw cliFault('USAGE', 'name at least one property', { hint: 'name --apihost, --auth or --namespace' });
}

/** The public half stays readable: it identifies the key. */
function maskKey(key: string | undefined): string {
  return key === undefined ? '' : `${key.split(':')[0]}:…`;
}
