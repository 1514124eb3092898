import { createCipher, plainCipher } from '../archive/cipher.ts';
import { createCodec } from '../archive/codec.ts';
import type { Codec, CodecName } from '../archive/contracts.ts';
import { createSigner } from '../archive/sign-manifest.ts';
import { parseFunctionConfig } from '../config.ts';
import type { Platform } from '../platform.ts';
import { createS3Store } from '../stores/s3-store.ts';
import type { Equipment } from './run-task.ts';

/** What the function's secrets say. Throws CONFIG_INVALID with all problems, KEY_UNUSABLE for a public key. */
export async function equipFunctions(platform: Platform): Promise<Equipment> {
  const config = parseFunctionConfig(platform.env);
  const signing = config.signingKey;
  return {
    limits: config.limits,
    means: {
      platform,
      databaseUrl: config.databaseUrl.reveal(),
      store: createS3Store(config.store),
      cipher: config.publicKeys === null ? plainCipher() : await createCipher(config.publicKeys),
      signing: signing && (() => createSigner(signing.armored.reveal(), signing.passphrase?.reveal())),
      codecFor: keptCodecs(),
    },
  };
}

/** One of each for the isolate's life: the blocks of one object are filled again for the next, also in another call. */
function keptCodecs(): (name: CodecName) => Codec {
  const codecs = new Map<CodecName, Codec>();
  return (name) => {
    const codec = codecs.get(name) ?? createCodec(name);
    codecs.set(name, codec);
    return codec;
  };
}
