/** `ward trigger fire`. */
import { isJsonObject } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { textOf } from '../entity-fields.ts';
import { parseSimpleName } from '../entity-name.ts';
import { collectParameters } from '../parameters.ts';
import { printableLine } from '../printable.ts';

export const fire: Handler = async (input, context) => {
  const { io } = context;
  const name = parseSimpleName(input.required(0), context.settings().namespace.value, 'trigger');
  const sources = { file: input.text('paramFile'), pairs: input.pairs('param') };
  const payload = (await collectParameters(sources, context)) ?? {};
  const client = await context.client();
  const answer = await client.send({ method: 'POST', path: name.segments('triggers'), body: payload });
  if (answer.status === 204) {
    io.ok(`fired trigger ${name.path}; none of its rules is active, so nothing was started`);
    return 0;
  }
  const id = isJsonObject(answer.body) ? textOf(answer.body['activationId']) : '';
  io.ok(`fired trigger ${name.path}, see: ward activation logs ${id}`);
  if (io.format === 'json' || io.format === 'yaml') await io.value(answer.body);
  else io.lines([printableLine(id)]);
  return 0;
};
