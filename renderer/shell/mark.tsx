import type { ReactNode } from 'react';
import './mark.css';

/** A chest with its keyhole. */
export function Mark({ size = 22 }: { readonly size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" className="mark">
      <path d="M4 10a5 5 0 0 1 5-5h6a5 5 0 0 1 5 5v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z" />
      <path d="M4 11.5h16" className="mark-line" />
      <circle cx="12" cy="13.4" r="2" className="mark-hole" />
      <path d="M12 14.4v2.2" className="mark-hole" />
    </svg>
  );
}
