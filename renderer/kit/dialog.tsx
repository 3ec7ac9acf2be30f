import { useState, type ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { toCallError, type CallError } from '../bridge/bridge.ts';
import { Button } from './button.tsx';
import { ErrorNote } from './states.tsx';
import './dialog.css';

export interface DialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  /** Buttons, the one that goes on last. */
  readonly actions?: ReactNode;
  readonly size?: 'normal' | 'wide';
  /** A person must choose: neither Escape nor a click beside it closes. */
  readonly isFirm?: boolean;
  readonly role?: 'dialog' | 'alertdialog';
}

/** Keeps the focus inside, gives it back, and closes with Escape. */
export function Dialog(props: DialogProps): ReactNode {
  const {
    isOpen,
    onClose,
    title,
    children,
    actions,
    size = 'normal',
    isFirm = false,
    role = 'dialog',
  } = props;
  return (
    <ModalOverlay
      className="veil"
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={!isFirm && role === 'dialog'}
      isKeyboardDismissDisabled={isFirm}
    >
      <Modal className="dialog-frame" data-size={size}>
        <AriaDialog className="dialog" role={role}>
          <Heading slot="title" level={2} className="dialog-title">
            {title}
          </Heading>
          {children}
          {actions !== undefined && <div className="dialog-actions">{actions}</div>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  readonly confirmLabel: string;
  readonly isDanger?: boolean;
  /** What it rejects with is shown in the dialog, which then stays open. */
  readonly onConfirm: () => Promise<unknown>;
  readonly isConfirmDisabled?: boolean;
}

/** Asks before something that cannot be undone. The safe answer has the focus. */
export function ConfirmDialog(props: ConfirmDialogProps): ReactNode {
  const { t } = useTranslation();
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<CallError | null>(null);
  const close = (): void => {
    setError(null);
    props.onClose();
  };
  const confirm = async (): Promise<void> => {
    setPending(true);
    setError(null);
    try {
      await props.onConfirm();
      close();
    } catch (thrown) {
      setError(toCallError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <Dialog
      isOpen={props.isOpen}
      onClose={close}
      title={props.title}
      role="alertdialog"
      actions={
        <>
          <Button onPress={close} autoFocus>
            {t('kit.cancel')}
          </Button>
          <Button
            kind={props.isDanger === true ? 'danger' : 'primary'}
            isPending={isPending}
            isDisabled={props.isConfirmDisabled ?? false}
            onPress={() => void confirm()}
          >
            {props.confirmLabel}
          </Button>
        </>
      }
    >
      {props.children}
      {error !== null && <ErrorNote error={error} />}
    </Dialog>
  );
}
