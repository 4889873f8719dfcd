import { defineErrors } from "#base";

export const exportErrors = defineErrors({
  "export-type": {
    kind: "unsupported",
    message: (type: string) =>
      `the output type ${JSON.stringify(type)} is not known: allowed are docker, image, local, oci, registry and tar`,
  },
  "export-option": {
    kind: "invalid",
    message: (type: string, option: string, reason: string) => `output type=${type}: invalid ${option}: ${reason}`,
  },
  "export-option-unknown": {
    kind: "invalid",
    message: (type: string, option: string) => `output type=${type}: the option ${JSON.stringify(option)} is not known`,
  },
  "export-tag": {
    kind: "invalid",
    message: (tag: string, reason: string) => `invalid tag ${JSON.stringify(tag)}: ${reason}`,
  },
  "export-multi-platform": {
    kind: "unsupported",
    message: (type: string) =>
      `output type=${type} does not support exporting manifest lists: the image store holds images of one platform`,
    hint: () => "Use --push, or --output type=oci,dest=…, for an image of several platforms.",
  },
  "export-destination": {
    kind: "invalid",
    message: (type: string) => `output type=${type} needs a destination of the client's`,
  },
  "export-push-unsupported": {
    kind: "unsupported",
    message: () => "this engine cannot push to registries",
  },
  "export-push-name": {
    kind: "invalid",
    message: () => "tag is needed when pushing to registry",
    hint: () => "Name the image with -t, or in the output: type=registry,name=…",
  },
  "export-collision": {
    kind: "conflict",
    message: (path: string, platforms: string) => `cannot write ${path} of ${platforms} to one place`,
    hint: () => "Leave platform-split on.",
  },
});
