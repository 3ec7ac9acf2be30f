/** Turns what sockets, TLS and the HTTP parser throw into a CloudError. */
import { errors } from 'undici';
import { MalformedError } from '../../protocol/bytes.ts';
import { CloudError } from './cloud.ts';
import { WrongCertificate } from './connector.ts';

/** OpenSSL's verify errors and Node's own, by the code on the error. */
const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|^EPROTO$|ERR_SSL_/;
/** The peer does not speak HTTP, so nothing says that it is an account server. */
const NOT_HTTP = /^HPE_|UND_ERR_(HEADERS_OVERFLOW|RESPONSE)/;
/** The peer spoke, but not as it must. */
const GARBAGE = /UND_ERR_RES_(CONTENT_LENGTH_MISMATCH|EXCEEDED_MAX_SIZE)|^WS_ERR_/;

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
  if (error instanceof errors.HTTPParserError || NOT_HTTP.test(code)) {
    return new CloudError('stranger', 'what answers at this address does not speak HTTP', null, options);
  }
  if (GARBAGE.test(code)) {
    return new CloudError('malformed', 'the server does not answer as it should', null, options);
  }
  const why = code === '' ? 'the connection failed' : code;
  return new CloudError('offline', `the server cannot be reached (${why})`, null, options);
}
