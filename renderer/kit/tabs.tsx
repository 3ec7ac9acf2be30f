import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from 'react-aria-components';
import './tabs.css';

export interface TabPage {
  readonly id: string;
  readonly label: string;
  /** Beside the label: how many there are. */
  readonly badge?: string;
  readonly content: ReactNode;
}

export function Tabs(props: {
  readonly label: string;
  readonly pages: readonly TabPage[];
  readonly selected?: string;
  readonly onSelect?: (id: string) => void;
}): ReactNode {
  return (
    <AriaTabs
      className="tabs"
      {...(props.selected === undefined ? {} : { selectedKey: props.selected })}
      onSelectionChange={(key) => props.onSelect?.(String(key))}
    >
      <TabList className="tab-list" aria-label={props.label}>
        {props.pages.map((page) => (
          <Tab key={page.id} id={page.id} className="tab">
            {page.label}
            {page.badge !== undefined && <span className="tab-badge figures">{page.badge}</span>}
          </Tab>
        ))}
      </TabList>
      {props.pages.map((page) => (
        <TabPanel key={page.id} id={page.id} className="tab-panel">
          {page.content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
