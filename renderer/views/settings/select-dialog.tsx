/** Selective sync: which folders of a pair are kept on this device. Nothing happens before it is applied. */
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Status } from '../../../protocol/control-shapes.ts';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Checkbox } from '../../kit/choice.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { toast } from '../../kit/toast.tsx';
import { useCall } from '../../store/use-call.ts';
import { FolderTree } from './folder-tree.tsx';
import { shownMark, withChoice, type Changes } from './selection.ts';

export function SelectDialog(props: {
  readonly pair: Status['pairs'][number];
  readonly onClose: () => void;
}): ReactNode {
  const { pair, onClose } = props;
  const { t } = useTranslation();
  const [changes, setChanges] = useState<Changes>(new Map());
  const apply = useCall(async (options) => {
    for (const [path, on] of changes) {
      await engine.call('select', { path, on }, options);
      setChanges((rest) => new Map([...rest].filter(([done]) => done !== path)));
    }
    toast(t('settings.select.applied'));
    onClose();
  });
  const leaving = [...changes.values()].filter((on) => !on).length;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="wide"
      title={t('settings.select.title')}
      actions={
        <>
          <Button onPress={onClose}>{t('kit.cancel')}</Button>
          <Button
            kind="primary"
            isPending={apply.isRunning}
            isDisabled={changes.size === 0}
            onPress={() => void apply.run()}
          >
            {t('settings.select.apply')}
          </Button>
        </>
      }
    >
      <p className="soft">{t('settings.select.about')}</p>
      <div className="tree-frame">
        <FolderTree
          path={`${pair.vault}:${pair.path}`}
          renderFolder={(folder, above) => {
            const { mark, isFixed } = shownMark(folder, above, changes);
            return (
              <Checkbox
                isSelected={mark === 'on'}
                isIndeterminate={mark === 'partly'}
                isDisabled={isFixed || apply.isRunning}
                onChange={() => setChanges(withChoice(changes, folder, mark !== 'on'))}
              >
                <PathText path={folder.entry.name} />
              </Checkbox>
            );
          }}
        />
      </div>
      <p className="small" role="status">
        {leaving > 0 ? t('settings.select.leaving', { count: leaving }) : ''}
      </p>
      {apply.error !== null && <ErrorNote error={apply.error} />}
    </Dialog>
  );
}
