import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { ChevronRight, Vault } from 'lucide-react';
import { PathText } from '../../kit/path-text.tsx';

export function VaultList(props: {
  readonly names: readonly string[];
  readonly onOpen: (name: string) => void;
}): ReactNode {
  return (
    <ul className="vaults">
      {props.names.map((name) => (
        <li key={name}>
          <AriaButton className="vault" onPress={() => props.onOpen(name)}>
            <Vault size={20} aria-hidden="true" className="entry-icon" />
            <span className="vault-name">
              <PathText path={name} />
            </span>
            <ChevronRight size={16} aria-hidden="true" />
          </AriaButton>
        </li>
      ))}
    </ul>
  );
}
