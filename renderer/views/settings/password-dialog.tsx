/** Asks for the password before something that needs a fresh proof of who is there. */
import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { PasswordField } from '../../kit/text-field.tsx';
import { useCall } from '../../store/use-call.ts';

export function PasswordDialog(props: {
  readonly title: string;
  readonly children: ReactNode;
  readonly confirmLabel: string;
  readonly isDanger?: boolean;
  readonly isConfirmDisabled?: boolean;
  readonly onClose: () => void;
  /** The dialog closes when it succeeds, and shows what it rejects with. */
  readonly onConfirm: (password: string) => Promise<unknown>;
}): ReactNode {
  const { onClose, onConfirm } = props;
  const { t } = useTranslation();
  const form = useId();
  const [password, setPassword] = useState('');
  const isDisabled = password === '' || props.isConfirmDisabled === true;
  const work = useCall(async () => {
    await onConfirm(password);
    onClose();
  });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={props.title}
      actions={
        <>
          <Button onPress={onClose}>{t('kit.cancel')}</Button>
          <Button
            kind={props.isDanger === true ? 'danger' : 'primary'}
            type="submit"
            form={form}
            isPending={work.isRunning}
            isDisabled={isDisabled}
          >
            {props.confirmLabel}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isDisabled) void work.run();
        }}
      >
        {props.children}
        <PasswordField label={t('settings.password.own')} value={password} onChange={setPassword} autoFocus />
        {work.error !== null && <ErrorNote error={work.error} />}
      </form>
    </Dialog>
  );
}
