import type { ReactNode } from 'react';

/** A group of settings that belong together, under a heading. */
export function Section(props: {
  readonly title: string;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <section className="settings-section">
      <header className="settings-head">
        <div className="settings-words">
          <h2>{props.title}</h2>
          {props.about !== undefined && <p className="soft small">{props.about}</p>}
        </div>
        {props.actions !== undefined && <div className="row">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** Term and value, as of an account. */
export function Fact(props: {
  readonly term: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}): ReactNode {
  return (
    <div className="fact">
      <dt className="soft small">{props.term}</dt>
      <dd>
        <span className="fact-value">{props.children}</span>
        {props.action}
      </dd>
    </div>
  );
}
