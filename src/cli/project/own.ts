/** Reads an own property: a name from outside can be one that every object inherits. */
export function ownOf<Value>(
  record: Readonly<Record<string, Value>> | null | undefined,
  name: string,
): Value | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}
