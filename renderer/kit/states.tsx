/** What a view shows when it has nothing, does not know yet, or could not find out. */
import type { ReactNode } from 'react';
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ControlError } from '../../protocol/control.ts';
import { errorText } from '../language/error-text.ts';
import { Button, Spinner } from './button.tsx';
import './states.css';

export function EmptyState(props: {
  readonly icon?: ReactNode;
  readonly tone?: 'plain' | 'accent';
  readonly title: string;
  /** It is all the window shows, so its title is the page's heading. */
  readonly isPage?: boolean;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}): ReactNode {
  const Title = props.isPage === true ? 'h1' : 'p';
  return (
    <div className="state">
      {props.icon !== undefined && (
        <div className="state-icon" data-kind={props.tone ?? 'plain'} aria-hidden="true">
          {props.icon}
        </div>
      )}
      <Title className="state-title">{props.title}</Title>
      {props.children !== undefined && <div className="state-text">{props.children}</div>}
      {props.actions !== undefined && <div className="state-actions">{props.actions}</div>}
    </div>
  );
}

export function LoadingState(props: { readonly label?: string; readonly isPage?: boolean }): ReactNode {
  const { t } = useTranslation();
  const Label = props.isPage === true ? 'h1' : 'p';
  return (
    <div className="state" role="status">
      <Spinner />
      <Label className="state-text">{props.label ?? t('kit.loading')}</Label>
    </div>
  );
}

/** The whole place could not be shown. */
export function ErrorState(props: {
  readonly error: ControlError;
  readonly isPage?: boolean;
  readonly onRetry?: () => void;
  readonly actions?: ReactNode;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const text = errorText(t, i18n.language, props.error);
  const Title = props.isPage === true ? 'h1' : 'p';
  return (
    <div className="state" role="alert">
      <div className="state-icon" data-kind="error" aria-hidden="true">
        <CircleAlert size={24} />
      </div>
      <Title className="state-title">{text.title}</Title>
      {text.hint !== '' && <p className="state-text">{text.hint}</p>}
      <div className="state-actions">
        {props.onRetry !== undefined && <Button onPress={props.onRetry}>{t('kit.retry')}</Button>}
        {props.actions}
      </div>
    </div>
  );
}

const icons = { info: Info, warning: TriangleAlert, error: CircleAlert, good: CircleCheck } as const;

export function Banner(props: {
  readonly kind?: keyof typeof icons;
  readonly title?: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  /** Read out when it appears. */
  readonly isAnnounced?: boolean;
}): ReactNode {
  const kind = props.kind ?? 'info';
  const Icon = icons[kind];
  return (
    <div className="banner" data-kind={kind} {...(props.isAnnounced === true ? { role: 'status' } : {})}>
      <Icon size={18} aria-hidden="true" />
      <div className="banner-body">
        {props.title !== undefined && <p className="banner-title">{props.title}</p>}
        {props.children}
      </div>
      {props.actions !== undefined && <div className="banner-actions">{props.actions}</div>}
    </div>
  );
}

/** What went wrong, beside what was tried. */
export function ErrorNote({ error }: { readonly error: ControlError }): ReactNode {
  const { t, i18n } = useTranslation();
  const text = errorText(t, i18n.language, error);
  return (
    <div role="alert">
      <Banner kind="error" title={text.title}>
        {text.hint}
      </Banner>
    </div>
  );
}
