import { memo, useRef, type ReactNode } from 'react';
import { splitName, splitPath, visibleName } from './path-name.ts';
import './path-text.css';

/**
 * A name or path on one line, cut in its middle when there is no room. The whole of it is what a screen reader
 * reads and what the pointer shows.
 */
export const PathText = memo(function PathText(props: {
  readonly path: string;
  /** Only its last part. */
  readonly isNameOnly?: boolean;
}): ReactNode {
  const shown = props.isNameOnly === true ? splitPath(props.path).name : visibleName(props.path);
  const { head, tail } = splitName(shown);
  const element = useRef<HTMLSpanElement>(null);
  // Set only when asked for: a list of thousands has no need of thousands of titles.
  const showWhole = (): void => {
    if (element.current !== null) element.current.title = visibleName(props.path);
  };
  return (
    <span ref={element} className="path-text" dir="ltr" onPointerEnter={showWhole}>
      <span className="only-read">{shown}</span>
      <bdi className="path-head" aria-hidden="true">
        {head}
      </bdi>
      {tail !== '' && (
        <bdi className="path-tail" aria-hidden="true">
          {tail}
        </bdi>
      )}
    </span>
  );
});
