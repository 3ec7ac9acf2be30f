/** Label, explanation and error of a form control; the error is announced as part of it. */
import type { ReactNode } from 'react';
import { FieldError, Label, Text } from 'react-aria-components';
import { CircleAlert } from 'lucide-react';
import './field.css';

export interface FieldText {
  readonly label: string;
  readonly about?: ReactNode;
  readonly error?: string | null;
}

export function FieldLabel({ children }: { readonly children: ReactNode }): ReactNode {
  return <Label className="field-label">{children}</Label>;
}

export function FieldNotes({ about, error }: Omit<FieldText, 'label'>): ReactNode {
  return (
    <>
      {about !== undefined && (
        <Text slot="description" className="field-about">
          {about}
        </Text>
      )}
      {error !== undefined && error !== null && (
        <FieldError className="field-error">
          <CircleAlert size={15} aria-hidden="true" />
          <span>{error}</span>
        </FieldError>
      )}
    </>
  );
}
