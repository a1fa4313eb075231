/** `ward property get`, `set`, `unset`. */
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { parseApihost } from '../settings.ts';
import { updateWskprops, wskpropsPath } from '../wskprops.ts';

/** Name of the flag → name in the file. */
const properties = { apihost: 'APIHOST', auth: 'AUTH', namespace: 'NAMESPACE' } as const;
type Property = keyof typeof properties;

export const get: Handler = async (input, context) => {
  const { apihost, auth, namespace, insecure } = context.settings();
  const settings = { apihost, auth, namespace };
  const asked = input.has('all') ? [] : namedIn(input);
  if (asked.length > 0) {
    context.io.lines(asked.map((name) => settings[name]?.value ?? ''));
    return 0;
  }
  const rows = [
    { property: 'apihost', ...apihost },
    { property: 'auth', value: maskKey(auth?.value), source: auth?.source ?? 'not set' },
    { property: 'namespace', ...namespace },
    { property: 'insecure', value: String(insecure), source: '' },
  ];
  await context.io.list({
    items: rows,
    columns: [
      { title: 'property', cell: (row) => row.property },
      { title: 'value', cell: (row) => row.value },
      { title: 'source', cell: (row) => row.source },
    ],
    name: (row) => row.property,
  });
  return 0;
};

export const set: Handler = async (input, context) => {
  const names = required(input);
  const apihost = input.text('apihost');
  if (apihost !== undefined) parseApihost(apihost, '--apihost');
  for (const name of names)
    if (/[\r\n]/.test(input.text(name) ?? '')) throw cliFault('USAGE', `--${name} must be one line`);
  const path = wskpropsPath(context.env);
  await updateWskprops(path, Object.fromEntries(names.map((name) => [properties[name], input.text(name)])));
  for (const name of names) context.io.ok(`set ${name} in ${path}`);
  return 0;
};

export const unset: Handler = async (input, context) => {
  const names = required(input);
  const path = wskpropsPath(context.env);
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
  throw cliFault('USAGE', 'no property is named', { hint: 'name --apihost, --auth or --namespace' });
}

/** The public half stays readable: it tells which key it is. */
function maskKey(key: string | undefined): string {
  return key === undefined ? '' : `${key.split(':')[0]}:…`;
}
