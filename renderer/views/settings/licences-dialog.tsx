import { useEffect, useState, type ReactNode } from 'react';
import { Disclosure, DisclosurePanel, Button as AriaButton, Heading } from 'react-aria-components';
import { ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { EmptyState, LoadingState } from '../../kit/states.tsx';

/** Made by build/licences.mjs beside the page. */
const FILE = './licences.json';
const licencesSchema = z.array(
  z.object({ name: z.string(), version: z.string(), licence: z.string(), text: z.string() }),
);
type Licences = z.infer<typeof licencesSchema>;

/** The packages that Coffre contains, with their licence texts; read when somebody asks. */
export function LicencesDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [found, setFound] = useState<Licences | 'loading' | 'failed'>('loading');
  useEffect(() => {
    let isOver = false;
    fetch(FILE)
      .then(async (response) => licencesSchema.parse(await response.json()))
      .then(
        (licences) => !isOver && setFound(licences),
        () => !isOver && setFound('failed'),
      );
    return () => {
      isOver = true;
    };
  }, []);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="wide"
      title={t('settings.about.licences')}
      actions={
        <Button onPress={onClose} autoFocus>
          {t('kit.close')}
        </Button>
      }
    >
      <p className="soft">{t('settings.about.licencesAbout')}</p>
      {found === 'loading' && <LoadingState />}
      {found === 'failed' && <EmptyState title={t('settings.about.licencesFailed')} />}
      {typeof found !== 'string' && (
        <div className="licences">
          {found.map((one) => (
            <Disclosure key={`${one.name} ${one.version}`} className="licence">
              <Heading level={3}>
                <AriaButton slot="trigger" className="licence-head">
                  <ChevronRight size={15} aria-hidden="true" />
                  <span className="licence-name">
                    {one.name} <span className="soft">{one.version}</span>
                  </span>
                  <span className="soft small">{one.licence}</span>
                </AriaButton>
              </Heading>
              <DisclosurePanel>
                <pre className="licence-text">{one.text}</pre>
              </DisclosurePanel>
            </Disclosure>
          ))}
        </div>
      )}
    </Dialog>
  );
}
