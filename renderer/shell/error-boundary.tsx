import { Component, type ReactNode } from 'react';
import { CircleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../kit/button.tsx';
import { EmptyState } from '../kit/states.tsx';

/** A defect in one view is told, and ends neither the window nor syncing. */
export class ErrorBoundary extends Component<
  { readonly children: ReactNode },
  { readonly error: Error | null }
> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <Broken message={this.state.error.message} />;
  }
}

function Broken({ message }: { readonly message: string }): ReactNode {
  const { t } = useTranslation();
  return (
    <div role="alert" className="face">
      <EmptyState
        isPage
        icon={<CircleAlert size={24} />}
        title={t('shell.brokenTitle')}
        actions={
          <Button kind="primary" onPress={() => window.location.reload()}>
            {t('shell.reload')}
          </Button>
        }
      >
        {t('shell.brokenText', { message })}
      </EmptyState>
    </div>
  );
}
