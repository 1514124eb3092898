/** The few messages of PostgreSQL's protocol 3.0 that this project speaks: how they are built and read. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Message types as byte values, named as in the protocol's documentation. */
export const MESSAGE = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQueryResponse: 0x49, // I
  errorResponse: 0x45, // E
  negotiateProtocolVersion: 0x76, // v
  noticeResponse: 0x4e, // N
  notificationResponse: 0x41, // A
  parameterStatus: 0x53, // S
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const;

export interface Message {
  readonly type: number;
  /** A view valid until the next message is read. */
  readonly body: Uint8Array;
}

export function readInt32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}

export function writeInt32(bytes: Uint8Array, options: { offset: number; value: number }): void {
  const { offset, value } = options;
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** `type` is the message's letter; '' for the startup messages, which have none. */
export function encodeMessage(type: string, body: Uint8Array): Uint8Array {
  const typeLength = type === '' ? 0 : 1;
  const message = new Uint8Array(typeLength + 4 + body.length);
  if (typeLength === 1) message[0] = type.charCodeAt(0);
  writeInt32(message, { offset: typeLength, value: 4 + body.length });
  message.set(body, typeLength + 4);
  return message;
}

/** A message whose body is zero-terminated strings. */
export function encodeStrings(type: string, ...texts: string[]): Uint8Array {
  return encodeMessage(type, encoder.encode(texts.map((text) => `${text}\0`).join('')));
}

/** Fields of ErrorResponse and NoticeResponse by letter: C SQLSTATE, M message, D detail, H hint, P position … */
export type ErrorFields = Readonly<Record<string, string | undefined>>;

export function decodeErrorFields(body: Uint8Array): ErrorFields {
  const fields: Record<string, string> = {};
  for (const field of decoder.decode(body).split('\0')) {
    if (field !== '') fields[field.slice(0, 1)] = field.slice(1);
  }
  return fields;
}

/** The two strings of ParameterStatus. */
export function decodeParameter(body: Uint8Array): [name: string, value: string] {
  const [name = '', value = ''] = decoder.decode(body).split('\0');
  return [name, value];
}

/** The values of a DataRow in text format; null is SQL NULL. */
export function decodeRow(body: Uint8Array): (string | null)[] {
  const row: (string | null)[] = [];
  let offset = 2;
  for (let left = (body[0]! << 8) | body[1]!; left > 0; left--) {
    const length = readInt32(body, offset);
    offset += 4;
    row.push(length < 0 ? null : decoder.decode(body.subarray(offset, offset + length)));
    offset += Math.max(length, 0);
  }
  return row;
}

/** Rows of a CommandComplete tag: `COPY 5` is 5, `BEGIN` is 0. */
export function decodeRowCount(body: Uint8Array): number {
  return Number(/ (\d+)\0?$/.exec(decoder.decode(body))?.[1] ?? 0);
}
