import type { ReactNode } from 'react';
import { Button as AriaButton, Tooltip, TooltipTrigger } from 'react-aria-components';
import './button.css';
import './tooltip.css';

export interface ButtonProps {
  readonly children: ReactNode;
  readonly onPress?: () => void;
  /** One `primary` a view; `danger` only for what cannot be undone. */
  readonly kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly size?: 'normal' | 'small';
  readonly isDisabled?: boolean;
  /** Its action runs: it keeps the focus and does nothing when pressed again. */
  readonly isPending?: boolean;
  readonly type?: 'button' | 'submit';
  /** Says more than the words on it, for a button that stands beside many like it. */
  readonly label?: string;
  readonly autoFocus?: boolean;
  readonly excludeFromTabOrder?: boolean;
  /** Of a form that stands elsewhere on the page. */
  readonly form?: string;
}

export function Button({
  kind = 'plain',
  size = 'normal',
  children,
  label,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <AriaButton
      className="button"
      data-kind={kind}
      data-size={size}
      {...(label === undefined ? {} : { 'aria-label': label })}
      {...rest}
    >
      {rest.isPending === true && <span className="spinner" aria-hidden="true" />}
      {children}
    </AriaButton>
  );
}

export interface IconButtonProps {
  /** Its name; also shown on hover and focus. */
  readonly label: string;
  readonly icon: ReactNode;
  readonly onPress?: () => void;
  readonly size?: 'normal' | 'small';
  readonly isDisabled?: boolean;
  readonly excludeFromTabOrder?: boolean;
  /** Inside another control, which already says when it may be used. */
  readonly slot?: string | null;
}

export function IconButton({ label, icon, size = 'normal', ...rest }: IconButtonProps): ReactNode {
  return (
    <TooltipTrigger delay={500}>
      <AriaButton className="button" data-kind="icon" data-size={size} aria-label={label} {...rest}>
        {icon}
      </AriaButton>
      <Tooltip className="tooltip" offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}

export function Spinner(): ReactNode {
  return <span className="spinner" aria-hidden="true" />;
}
