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

/** What an event says happened (device/events/), for those that a person meets; others by their own names. @param {string} name */
export function eventName(name) {
  const said = /** @type {Record<string, string>} */ ({
    "camera.control-lost": t("Cannot be talked with"),
    "camera.credentials-rejected": t("Login rejected"),
    "camera.input-active": t("Input active"),
    "camera.motion": t("Motion"),
    "camera.offline": t("Camera offline"),
    "camera.tampering": t("Tampering"),
    "camera.address-followed": t("Moved to another address"),
    "camera.restarted": t("Restarted"),
    "catalogue.failed": t("Catalogue failed"),
    "chassis.fan-failed": t("Fan failed"),
    "chassis.supply-failed": t("Power supply failed"),
    "chassis.temperature-critical": t("Temperature critical"),
    "chassis.temperature-high": t("Temperature high"),
    "chassis.unavailable": t("Box cannot be read"),
    "delivery.dropping": t("Deliveries are dropped"),
    "delivery.failing": t("Deliveries fail"),
    "drive.broken": t("Drive broken"),
    "drive.hot": t("Drive hot"),
    "endpoint.failed": t("Service cannot be reached"),
    "machine.refused": t("Machine refused its settings"),
    "network.tried": t("New network settings are tried"),
    "poe.port-denied": t("Port without power"),
    "poe.port-fault": t("Port fault"),
    "poe.unavailable": t("Ports cannot be read"),
    "poe.usage-high": t("Much of the power is drawn"),
    "raid.degraded": t("RAID degraded"),
    "raid.failed": t("RAID failed"),
    "raid.locked": t("RAID locked"),
    "raid.unavailable": t("Drives cannot be read"),
    "recording.filled": t("Filled from the camera's card"),
    "recording.gap-opened": t("Recording gap"),
    "retention.below-minimum": t("Retention below its minimum"),
    "rule.active": t("Rule active"),
    "storage.full": t("Storage full"),
    "storage.low": t("Storage nearly full"),
    "video.frozen": t("Picture frozen"),
    "volume.failed": t("Storage failed"),
    "volume.missing": t("Storage missing"),
    "volume.read-only": t("Storage cannot be written"),
  });
  const words = name.replace(/[._-]/g, " ");
  return said[name] || words.charAt(0).toUpperCase() + words.slice(1);
}

/** A field of an event. @param {string} key */
export function fieldName(key) {
  const said = /** @type {Record<string, string>} */ ({
    camera: t("camera"),
    recording: t("recording"),
    stream: t("stream"),
    start: t("since"),
    cause: t("cause"),
    detail: t("detail"),
    port: t("port"),
    bay: t("bay"),
    volume: t("storage"),
    serial: t("serial number"),
    drive: t("drive"),
    rule: t("rule"),
    server: t("server"),
    reason: t("reason"),
    state: t("state"),
    by: t("by"),
  });
  return said[key] || key.replaceAll("_", " ");
}
