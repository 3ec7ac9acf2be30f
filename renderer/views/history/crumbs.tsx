import type { ReactNode } from 'react';
import { Breadcrumb, Breadcrumbs, Button as AriaButton } from 'react-aria-components';
import { ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { visibleName } from '../../kit/path-name.ts';
import { upTo, type Place } from './account-path.ts';

/** The way from the vault to the folder; each step but the last is a button. */
export function Crumbs(props: {
  readonly place: Place;
  readonly onGo: (place: Place) => void;
  readonly onVaults: (() => void) | null;
}): ReactNode {
  const { place, onGo, onVaults } = props;
  const { t } = useTranslation();
  const steps: { id: string; label: string; go: () => void }[] = [];
  if (onVaults !== null) steps.push({ id: 'vaults', label: t('history.allVaults'), go: onVaults });
  steps.push({ id: 'root', label: visibleName(place.vault), go: () => onGo(upTo(place, 0)) });
  place.steps.forEach((name, index) => {
    steps.push({ id: `${index}`, label: visibleName(name), go: () => onGo(upTo(place, index + 1)) });
  });
  const last = steps.length - 1;
  return (
    <nav aria-label={t('history.crumbs')} className="crumbs-frame">
      <Breadcrumbs className="crumbs">
        {steps.map((step, index) => (
          <Breadcrumb key={step.id} id={step.id} className="crumb">
            {index === last ? (
              <span aria-current="page" className="crumb-here" title={step.label}>
                {step.label}
              </span>
            ) : (
              <>
                <AriaButton className="crumb-link" onPress={step.go}>
                  {step.label}
                </AriaButton>
                <ChevronRight size={14} aria-hidden="true" />
              </>
            )}
          </Breadcrumb>
        ))}
      </Breadcrumbs>
    </nav>
  );
}
