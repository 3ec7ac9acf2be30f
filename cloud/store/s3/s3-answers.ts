/** Reading what an S3 store says in XML. */
import { parseXml, XmlElement } from '@rgrove/parse-xml';

interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** One page of ListObjectsV2. @throws where it is none */
export function parseListing(xml: string): { objects: ListedObject[]; isLast: boolean } {
  const { root } = parseXml(xml);
  if (root?.name !== 'ListBucketResult') throw new Error('the list has not the agreed shape');
  const objects = elementsOf(root, 'Contents').map((item): ListedObject => ({
    key: textOf(item, 'Key'),
    size: Number(textOf(item, 'Size')),
    modifiedMs: Date.parse(textOf(item, 'LastModified')),
  }));
  return { objects, isLast: textOf(root, 'IsTruncated') !== 'true' };
}

/** The code of an error, such as `NoSuchKey`; empty where there is none. Never more of what the store said. */
export function errorCodeOf(xml: string): string {
  try {
    const { root } = parseXml(xml);
    const code = root?.name === 'Error' ? textOf(root, 'Code') : '';
    return /^[A-Za-z0-9.]{1,64}$/.test(code) ? code : '';
  } catch {
    return '';
  }
}

function elementsOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter(
    (child): child is XmlElement => child instanceof XmlElement && child.name === name,
  );
}

function textOf(parent: XmlElement, name: string): string {
  return elementsOf(parent, name)[0]?.text ?? '';
}
