/** Parameters and annotations for a write, in the API's form. */
import type { JsonObject } from '../lib/index.ts';
import type { Context } from './command-spec.ts';
import { cliFault } from './faults.ts';
import type { Input } from './input.ts';
import { collectParameters } from './parameters.ts';

interface TypedValues {
  readonly parameters: JsonObject | undefined;
  readonly annotations: JsonObject | undefined;
}

/** The values of `-p`, `-P`, `-a` and `-A`. @throws Fault USAGE, PARAMETER_INVALID, SOURCE_UNREADABLE */
export async function typedValues(input: Input, context: Context): Promise<TypedValues> {
  const files = { param: input.text('paramFile'), annotation: input.text('annotationFile') };
  if (files.param === '-' && files.annotation === '-')
    throw cliFault('USAGE', 'standard input can be read only once: for parameters or for annotations');
  const [parameters, annotations] = await Promise.all([
    collectParameters({ file: files.param, pairs: input.pairs('param') }, context),
    collectParameters({ file: files.annotation, pairs: input.pairs('annotation') }, context),
  ]);
  return { parameters, annotations };
}
