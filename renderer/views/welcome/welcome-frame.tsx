import { useEffect, useRef, type ReactNode } from 'react';
import { Mark } from '../../shell/mark.tsx';
import './welcome.css';

/** One page of the welcome. Its heading takes the focus, so that a screen reader begins there. */
export function WelcomeFrame(props: {
  readonly title: string;
  readonly about?: ReactNode;
  /** Above the title: where in the way this is. */
  readonly progress?: ReactNode;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <main className="welcome">
      <div className="welcome-page">
        <div className="welcome-top">
          <Mark size={34} />
          {props.progress}
        </div>
        <header className="stack-tight">
          <h1 ref={heading} tabIndex={-1}>
            {props.title}
          </h1>
          {props.about !== undefined && <p className="soft">{props.about}</p>}
        </header>
        {props.children}
        {props.actions !== undefined && <div className="welcome-actions">{props.actions}</div>}
      </div>
    </main>
  );
}
