/** Asks where to bring something back to, says what that does, and does it. */
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Progress as ProgressOf } from '../../../protocol/control-shapes.ts';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { RadioCards } from '../../kit/choice.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { Progress } from '../../kit/progress.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { useFormat } from '../../language/format.ts';
import { useCall } from '../../store/use-call.ts';
import { besideName, childOf, nameOf, placeText, upTo, type Place } from './account-path.ts';

export type Past =
  | { readonly kind: 'time'; readonly atMs: number }
  | { readonly kind: 'version'; readonly version: number; readonly atMs: number };

export function RestoreDialog(props: {
  readonly place: Place;
  readonly isFolder: boolean;
  readonly past: Past;
  readonly onClose: () => void;
  readonly onRestored: (path: string) => void;
}): ReactNode {
  const { place, isFolder, past, onClose, onRestored } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const isRoot = place.steps.length === 0;
  const time = format.dateTime(past.atMs);
  const [where, setWhere] = useState<'place' | 'copy'>('place');
  const [copyName, setCopyName] = useState(() => besideName(nameOf(place), time, isFolder));
  const nameFault = where === 'copy' && !isGoodName(copyName);
  const work = useCall(async (options) => {
    const folder = upTo(place, place.steps.length - 1);
    const result = await engine.call(
      'restore',
      {
        path: placeText(place),
        ...(past.kind === 'version' ? { version: past.version } : { atMs: past.atMs }),
        ...(where === 'copy' ? { to: placeText(childOf(folder, copyName.trim())) } : {}),
      },
      options,
    );
    toast(t('history.restored', { count: result.files, path: visibleName(result.path) }));
    onRestored(result.path);
  });
  const name = visibleName(nameOf(place));
  return (
    <Dialog
      isOpen
      onClose={() => {
        work.cancel();
        onClose();
      }}
      title={t('history.restoreTitle', { name })}
      actions={
        <>
          <Button
            autoFocus
            onPress={() => {
              work.cancel();
              onClose();
            }}
          >
            {t('kit.cancel')}
          </Button>
          <Button
            kind="primary"
            isPending={work.isRunning}
            isDisabled={nameFault}
            onPress={() => void work.run()}
          >
            {t('history.restore')}
          </Button>
        </>
      }
    >
      <p>{t('history.restoreAsOf', { time })}</p>
      <RadioCards
        label={t('history.where')}
        value={where}
        onChange={setWhere}
        cards={[
          {
            value: 'place',
            title: t('history.inPlace'),
            about: t(isFolder ? 'history.inPlaceFolder' : 'history.inPlaceFile'),
          },
          {
            value: 'copy',
            title: t('history.asCopy'),
            about: t(isRoot ? 'history.asCopyRoot' : 'history.asCopyAbout'),
            isDisabled: isRoot,
          },
        ]}
      />
      {where === 'copy' && (
        <TextField
          label={t('history.copyName')}
          value={copyName}
          onChange={setCopyName}
          maxLength={255}
          error={nameFault ? t('history.copyNameBad') : null}
        />
      )}
      {work.isRunning && <Progress label={t('history.restoring')} part={partOf(work.progress)} />}
      {work.error !== null && <ErrorNote error={work.error} />}
    </Dialog>
  );
}

function partOf(progress: ProgressOf | null): number | null {
  const total = progress?.total ?? 0;
  return progress === null || total === 0 ? null : progress.done / total;
}

function isGoodName(name: string): boolean {
  const trimmed = name.trim();
  return trimmed !== '' && trimmed !== '.' && trimmed !== '..' && !trimmed.includes('/');
}
