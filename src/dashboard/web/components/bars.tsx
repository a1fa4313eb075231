/** Small bars to scale, one for each hour or the like. Their numbers are in a text for those who don't see them. */

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** A part of the value in another colour. */
  readonly part?: number;
  /** What the bar says in words. */
  readonly text: string;
}

interface BarsProps {
  readonly label: string;
  readonly bars: readonly Bar[];
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
}

const gap = 1;
/** A bar that is not nothing can be seen. */
const least = 1;

export function Bars({ label, bars, width = 96, height = 20 }: BarsProps) {
  const top = Math.max(1, ...bars.map(({ value }) => value));
  const step = width / bars.length;
  const tall = (value: number) => (value === 0 ? 0 : Math.max(least, (value / top) * height));
  return (
    <svg
      class="bars"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
    >
      <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
      {bars.map(({ name, value, part = 0, text }, index) => (
        <g key={name}>
          <title>{text}</title>
          <rect class="space" x={index * step} y="0" width={step} height={height} />
          <rect x={index * step} y={height - tall(value)} width={step - gap} height={tall(value)} />
          <rect
            class="part"
            x={index * step}
            y={height - tall(part)}
            width={step - gap}
            height={tall(part)}
          />
        </g>
      ))}
    </svg>
  );
}
