/** Something on the network, as text: `tcp api.example.com:443`. */
interface TargetProps {
  readonly protocol: string;
  /** A name or an address; hostile. */
  readonly target: string;
  /** 0: none. */
  readonly port: number;
}

export function Target(props: TargetProps) {
  return <code class="breaks">{targetText(props)}</code>;
}

export function targetText({ protocol, target, port }: TargetProps): string {
  const where = target.includes(':') ? `[${target}]` : target;
  return `${protocol} ${where}${port === 0 ? '' : `:${port}`}`;
}
