/** `ward up`, `ward doctor`. */
import type { Handler } from '../command-spec.ts';
import { localOptions, openServer } from '../local.ts';

export const up: Handler = async (input) => {
  const listen = input.text('listen');
  const server = await openServer();
  return server.up({ ...localOptions(input), ...(listen === undefined ? {} : { listen }) });
};

export const doctor: Handler = async (input, context) => {
  const runtime = input.text('runtime');
  const server = await openServer();
  const report = await server.doctor({
    ...localOptions(input),
    ...(runtime === undefined ? {} : { runtime }),
  });
  await context.io.list({
    items: report.checks.map((check) => ({ ...check })),
    columns: [
      { title: 'mechanism', cell: (check) => check.mechanism },
      { title: 'vector', cell: (check) => check.vector },
      { title: 'required', cell: (check) => (check.required ? 'yes' : 'no') },
      { title: 'status', cell: (check) => check.status },
      { title: 'detail', cell: (check) => check.detail },
    ],
    name: (check) => check.mechanism,
  });
  return report.ok ? 0 : 1;
};
