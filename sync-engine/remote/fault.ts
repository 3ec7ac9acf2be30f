/** Turns what sockets, TLS and the HTTP parser throw into a CloudError. */
import { errors } from 'undici';
import { MalformedError } from '../../protocol/bytes.ts';
import { CloudError } from './cloud.ts';
import { WrongCertificate } from './connector.ts';

/** OpenSSL's verify errors and Node's own, by the code on the error. */
const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|^EPROTO$|ERR_SSL_/;
/** The peer spoke, but not HTTP as it must be. */
const GARBAGE =
  /^HPE_|UND_ERR_(RES_CONTENT_LENGTH_MISMATCH|RES_EXCEEDED_MAX_SIZE|HEADERS_OVERFLOW|RESPONSE)|^WS_ERR_/;

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === '' && error.cause !== undefined ? codeOf(error.cause) : code;
}

export function toCloudError(error: unknown): CloudError {
  if (error instanceof CloudError) return error;
  const options = { cause: error };
  if (error instanceof MalformedError) {
    return new CloudError(
      'malformed',
      `the server's answer does not decode: ${error.message}`,
      null,
      options,
    );
  }
  const code = codeOf(error);
  if (error instanceof WrongCertificate || CERTIFICATE.test(code)) {
    const message = "the server's certificate is not the expected one, or not trusted";
    return new CloudError('certificate', message, null, options);
  }
  if (error instanceof errors.HTTPParserError || GARBAGE.test(code)) {
    return new CloudError('malformed', 'the server does not answer as it should', null, options);
  }
  const why = code === '' ? 'the connection failed' : code;
  return new CloudError('offline', `the server cannot be reached (${why})`, null, options);
}
