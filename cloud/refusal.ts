/** A request the server refuses: thrown anywhere below a route, answered by `api/errors.ts`. */
import type { CloudErrorBody } from '../protocol/cloud.ts';
import type { CloudErrorCode } from '../protocol/errors.ts';

export type RefusalDetails = Omit<CloudErrorBody, 'error'>;

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: CloudErrorCode;
  readonly details: RefusalDetails;
  /** Overrides the status that belongs to the code. */
  readonly status: number | null;

  /** `message` travels to the client: it never holds an id, an address or a name. */
  constructor(
    code: CloudErrorCode,
    message: string,
    details: RefusalDetails = {},
    status: number | null = null,
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.status = status;
  }
}
