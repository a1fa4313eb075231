/** A page of a list. */
export interface ListRange {
  readonly skip: number;
  readonly limit: number;
}
