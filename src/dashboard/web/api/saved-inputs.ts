/** Inputs of functions that this browser keeps under names. */

export interface SavedInput {
  readonly name: string;
  readonly text: string;
}

const mostKept = 20;

/** The last kept first. @param item of the browser's storage */
export function savedInputs(item: string): readonly SavedInput[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(item) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isSavedInput) : [];
  } catch {
    return [];
  }
}

/** Replaces one of the same name. */
export function keepInput(item: string, input: SavedInput): readonly SavedInput[] {
  const others = savedInputs(item).filter(({ name }) => name !== input.name);
  return write(item, [input, ...others].slice(0, mostKept));
}

export function forgetInput(item: string, name: string): readonly SavedInput[] {
  return write(
    item,
    savedInputs(item).filter((each) => each.name !== name),
  );
}

function write(item: string, inputs: readonly SavedInput[]): readonly SavedInput[] {
  localStorage.setItem(item, JSON.stringify(inputs));
  return inputs;
}

/** Others may have written the storage, such as an earlier version. */
function isSavedInput(value: unknown): value is SavedInput {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'text') === 'string'
  );
}
