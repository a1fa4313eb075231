/** A cache with a total weight. It forgets everything when the weight is reached. */

interface Cache<Value> {
  get(key: string | number, make: () => Value): Value;
}

export function weighedCache<Value>(maxWeight: number, weigh: (value: Value) => number): Cache<Value> {
  const known = new Map<string | number, Value>();
  let weight = 0;
  return {
    get(key, make) {
      const found = known.get(key);
      if (found !== undefined) return found;
      const value = make();
      weight += 1 + weigh(value);
      if (weight > maxWeight) {
        known.clear();
        weight = 1 + weigh(value);
      }
      known.set(key, value);
      return value;
    },
  };
}
