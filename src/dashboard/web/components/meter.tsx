/** How much of a limit is used: a bar, and both numbers in words. */
import { sizeText } from './units.ts';

interface MeterProps {
  /** Bytes. */
  readonly used: number;
  readonly limit: number;
}

const nearlyFull = 0.8;

export function Meter({ used, limit }: MeterProps) {
  const share = limit > 0 ? Math.min(1, used / limit) : Number(used > 0);
  const tone = share >= 1 ? 'bad' : share >= nearlyFull ? 'warn' : 'usual';
  return (
    <span class={`meter ${tone}`}>
      <span>
        {sizeText(used)} <span class="quiet">of {sizeText(limit)}</span>
      </span>
      <span class="meter-bar" aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
