/** `ward console login`. */
import type { Handler } from '../command-spec.ts';
import { timeText } from '../entity-fields.ts';
import { localOptions, openServer } from '../local.ts';

export const login: Handler = async (input, { io }) => {
  const { newConsoleLogin } = await openServer();
  const made = await newConsoleLogin(localOptions(input), input.text('url'));
  io.ok('made a login to the console; it is shown only now, and works once');
  await io.record({
    fields: [
      ['url', made.url],
      ['expires', timeText(made.expiresAt)],
    ],
    name: made.url,
    data: made,
  });
  return 0;
};
