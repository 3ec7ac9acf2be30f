/** Where an S3 store is, and the keys to it. */

export interface S3Config {
  /** `https://HOST[:PORT]`; where HOST begins with the bucket, the bucket is left out of paths. */
  readonly endpoint: string;
  /** The same store as devices reach it; null where that is the endpoint. */
  readonly publicEndpoint: string | null;
  readonly bucket: string;
  readonly region: string;
  /** In front of every key: empty, or with a slash at its end. */
  readonly prefix: string;
  readonly credentials: S3Credentials;
}

interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}
