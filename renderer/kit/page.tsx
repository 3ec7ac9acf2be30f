import { useEffect, useRef, type ReactNode } from 'react';
import './page.css';

/**
 * The frame of every view: its heading, which takes the focus when the view opens so that a screen reader
 * begins there, and its content.
 */
export function Page(props: {
  readonly title: string;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** The content fills the height and scrolls inside itself, as a long list does. */
  readonly isFixed?: boolean;
}): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div className="page" data-fixed={props.isFixed === true ? '' : undefined}>
      <header className="page-head">
        <div className="page-words">
          <h1 ref={heading} tabIndex={-1}>
            {props.title}
          </h1>
          {props.about !== undefined && <div className="soft">{props.about}</div>}
        </div>
        {props.actions !== undefined && <div className="row">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}
