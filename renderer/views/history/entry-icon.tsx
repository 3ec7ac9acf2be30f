import type { ReactNode } from 'react';
import { File, Folder, Link2 } from 'lucide-react';

const icons = { file: File, folder: Folder, symlink: Link2 } as const;

export function EntryIcon({ type }: { readonly type: keyof typeof icons }): ReactNode {
  const Icon = icons[type];
  return <Icon size={18} aria-hidden="true" className="entry-icon" data-type={type} />;
}
