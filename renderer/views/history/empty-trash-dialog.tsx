import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { RadioCards } from '../../kit/choice.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { Progress } from '../../kit/progress.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { PasswordField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { useFormat } from '../../language/format.ts';
import { useCall } from '../../store/use-call.ts';

/** Both ways end what can be undone, so both say what exactly goes. */
export function EmptyTrashDialog(props: {
  readonly onClose: () => void;
  readonly onEmptied: () => void;
}): ReactNode {
  const { onClose, onEmptied } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const [way, setWay] = useState<'keep' | 'now'>('keep');
  const [password, setPassword] = useState('');
  const work = useCall(async (options) => {
    const proof = way === 'now' ? { now: true, password } : { now: false };
    const result = await engine.call('trash.empty', proof, options);
    toast(t('history.trash.emptied', { count: result.items, size: format.bytes(result.bytes) }));
    onEmptied();
  });
  const submit = (): void => {
    if (way === 'keep' || password !== '') void work.run();
  };
  return (
    <Dialog
      isOpen
      role="alertdialog"
      onClose={onClose}
      title={t('history.trash.emptyTitle')}
      actions={
        <>
          <Button onPress={onClose} autoFocus>
            {t('kit.cancel')}
          </Button>
          <Button
            kind="danger"
            type="submit"
            form="empty-trash"
            isPending={work.isRunning}
            isDisabled={way === 'now' && password === ''}
          >
            {t(way === 'now' ? 'history.trash.confirmNow' : 'history.trash.confirm')}
          </Button>
        </>
      }
    >
      <form
        id="empty-trash"
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p>{t('history.trash.emptyWarning')}</p>
        <RadioCards
          label={t('history.trash.way')}
          value={way}
          onChange={setWay}
          cards={[
            { value: 'keep', title: t('history.trash.keepTitle'), about: t('history.trash.keepAbout') },
            { value: 'now', title: t('history.trash.nowTitle'), about: t('history.trash.nowAbout') },
          ]}
        />
        {way === 'now' && (
          <PasswordField label={t('history.trash.password')} value={password} onChange={setPassword} />
        )}
        {work.isRunning && <Progress label={t('history.trash.running')} part={null} />}
        {work.error !== null && <ErrorNote error={work.error} />}
      </form>
    </Dialog>
  );
}
