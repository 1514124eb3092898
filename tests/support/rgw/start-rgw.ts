/** The S3 server of the tests is the one of the local stack. */
export {
  createBucket,
  RGW_USER,
  type RunningRgw,
  rgwInstalled,
  type StartRgwOptions,
  startRgw,
} from '../../../scripts/dev/stack/rgw.ts';
