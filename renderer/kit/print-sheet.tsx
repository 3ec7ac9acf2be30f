import type { ReactNode } from 'react';
import { createPortal } from 'react-dom';
import './print-sheet.css';

/** Seen on paper only, and then alone. */
export function PrintSheet({ children }: { readonly children: ReactNode }): ReactNode {
  return createPortal(<div className="print-sheet">{children}</div>, document.body);
}
