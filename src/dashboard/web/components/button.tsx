import type { ComponentChildren } from 'preact';

interface ButtonProps {
  readonly children: ComponentChildren;
  /** `plain`: without a border, for bars. */
  readonly kind?: 'primary' | 'usual' | 'danger' | 'plain';
  readonly type?: 'button' | 'submit';
  readonly isDisabled?: boolean;
  /** What it does, when its text alone does not say it. */
  readonly label?: string;
  readonly onClick?: () => void;
}

export function Button({
  children,
  kind = 'usual',
  type = 'button',
  isDisabled,
  label,
  onClick,
}: ButtonProps) {
  return (
    <button
      type={type}
      class={`button ${kind}`}
      disabled={isDisabled ?? false}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
