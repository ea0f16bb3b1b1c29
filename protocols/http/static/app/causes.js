// @ts-check
// Why there is no video (device/cameras/source.py, Cause), in words.
import { t } from "./i18n.js";

/** @param {string} cause */
export function causes(cause) {
  const said = /** @type {Record<string, string>} */ ({
    recorded: t("Recorded"),
    damaged: t("Recorded, with losses"),
    idle: t("Not due"),
    connecting: t("Connecting to the camera"),
    unreachable: t("The camera cannot be reached"),
    rejected: t("The camera rejects the user or the password"),
    protocol: t("The camera answers in a way that is not understood"),
    link_lost: t("The connection to the camera was lost"),
    silent: t("The camera sends nothing"),
    frozen: t("The camera sends no key frames"),
    packet_loss: t("Packets were lost"),
    no_picture: t("The camera's parameter sets are broken"),
    clock_step: t("The recorder's clock was set"),
    storage: t("No storage could take it"),
    overload: t("The storage could not keep up"),
    recorder_down: t("The recorder was not running"),
    upgrade: t("The recorder was upgraded"),
    disabled: t("Switched off"),
    not_scheduled: t("Outside the schedule"),
    deleted: t("Deleted by a person"),
    expired: t("Older than its retention"),
  });
  return said[cause] || cause;
}
