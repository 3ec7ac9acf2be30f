import type { ReactNode } from 'react';
import { Button as AriaButton, Input, SearchField } from 'react-aria-components';
import { Search, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';

/** Narrows the shown folder by name. Escape empties it. */
export function NameFilter(props: {
  readonly value: string;
  readonly onChange: (value: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <SearchField
      className="name-filter input-group"
      aria-label={t('history.filter')}
      value={props.value}
      onChange={props.onChange}
    >
      <Search size={16} aria-hidden="true" className="name-filter-icon" />
      <Input className="input" placeholder={t('history.filter')} spellCheck={false} maxLength={255} />
      {props.value !== '' && (
        <AriaButton
          className="button"
          data-kind="icon"
          data-size="small"
          aria-label={t('history.filterClear')}
        >
          <X size={15} aria-hidden="true" />
        </AriaButton>
      )}
    </SearchField>
  );
}
